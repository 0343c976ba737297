-- Trailing blanks do not count when strings are compared (DG/r_Character_types), be it by =, <, IN, a join, DISTINCT,
-- GROUP BY or ORDER BY. PostgreSQL's CHAR compares so; here the operators of text, which VARCHAR uses, get the very same
-- functions, so that no plan becomes slower. LIKE and regular expressions still see every blank (DG/r_patternmatching_condition_like).

UPDATE pg_catalog.pg_operator o SET oprcode = new.code::regproc
FROM (VALUES ('=', 'bpchareq'), ('<>', 'bpcharne'), ('<', 'bpcharlt'), ('<=', 'bpcharle'), ('>', 'bpchargt'), ('>=', 'bpcharge'))
    AS new (name, code)
WHERE o.oprname = new.name AND o.oprleft = 'text'::regtype AND o.oprright = 'text'::regtype
  AND o.oprcode <> new.code::regproc;

UPDATE pg_catalog.pg_amproc p SET amproc = new.code::regproc
FROM (VALUES ('btree', 1, 'bpcharcmp'), ('btree', 2, 'bpchar_sortsupport'), ('hash', 1, 'hashbpchar'), ('hash', 2, 'hashbpcharextended'))
    AS new (method, number, code), pg_catalog.pg_opfamily f, pg_catalog.pg_am a
WHERE f.oid = p.amprocfamily AND f.opfname = 'text_ops' AND a.oid = f.opfmethod AND a.amname = new.method
  AND p.amproclefttype = 'text'::regtype AND p.amprocrighttype = 'text'::regtype AND p.amprocnum = new.number
  AND p.amproc <> new.code::regproc;
