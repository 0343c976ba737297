INSERT INTO ops.mart_definition (mart, definition_hash, inputs, readers, created_at) VALUES (%s, %s, %s, %s, GETDATE())
