SELECT source, generation FROM ops.generation WHERE source = %s
