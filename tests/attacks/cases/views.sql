# tags follow data through views of those who see it raw
SELECT * FROM raw
----
1 | +***

SELECT secret FROM raw WHERE secret LIKE '%-A-%'
----
(SELECT 0)

SELECT secret FROM raw WHERE secret = '+***'
----
+***

SELECT count(*) FROM raw WHERE length(secret) > 4
----
0

SELECT secret FROM raw GROUP BY secret HAVING max(secret) > 'M'
----
(SELECT 0)

SELECT id FROM raw ORDER BY secret
----
1

SELECT 1 / (length(secret) - 4) FROM raw
----
ERROR 22012: division by zero

SELECT CAST(secret AS integer) FROM raw
----
ERROR 22P02: invalid input syntax for type integer: "+***"

SELECT r FROM raw r
----
(1,+***)

SELECT row_to_json(r) FROM raw r
----
{"id":1,"secret":"+***"}

SELECT r::text FROM raw r
----
(1,+***)

SELECT * FROM raw_again
----
1 | +***

SELECT * FROM raw_made
----
1 | NULL | NULL | NULL | NULL

SELECT of_a IS NULL, world IS NULL FROM raw_made WHERE world IS DISTINCT FROM 1
----
t | t

SELECT * FROM raw_all ORDER BY id
----
0 | +***
1 | +***

SELECT secret FROM raw_all UNION SELECT secret FROM raw ORDER BY 1
----
+***

SELECT * FROM raw_with
----
+***

SELECT * FROM raw_most
----
+*** | 1

SELECT * FROM raw_looked
----
1 | +***

SELECT * FROM raw_asked
----
+***

SELECT a.id FROM raw a JOIN raw b USING (secret)
----
1

SELECT a.id FROM raw a NATURAL JOIN raw_all b
----
1

WITH raw AS (SELECT secret FROM public.raw) SELECT secret FROM raw
----
+***

SELECT (SELECT secret FROM raw)
----
+***

SELECT l.s FROM notes n, LATERAL (SELECT r.secret AS s FROM raw r WHERE r.id = n.id) l
----
+***

SELECT "SECRET" FROM raw
----
ERROR 42703: column "SECRET" does not exist

SELECT first_value(secret) OVER (ORDER BY secret) FROM raw
----
+***

SELECT string_agg(secret, ',') FROM raw
----
+***

SELECT secret FROM docs.vault
----
ERROR 42P01: relation "docs.vault" does not exist

tina extended: SELECT secret FROM raw
----
+***

tina binary: SELECT secret FROM raw
----
+***

tina extended LEAK: SELECT secret FROM raw WHERE secret > $1
----
(SELECT 0)

EXPLAIN SELECT secret FROM raw
----
Engine query
  The plan is shown to roles that see all of the tables.
Scan public.raw  (view)
  Policies apply

EXPLAIN (ANALYZE, VERBOSE) SELECT secret FROM raw WHERE secret LIKE 'LEAK%'
----
Engine query
  The plan is shown to roles that see all of the tables.
Scan public.raw  (view)
  Policies apply

ALTER VIEW raw ALTER COLUMN secret UNSET TAG sealed
----
ERROR 42501: must be owner of view raw

ALTER VIEW raw ALTER COLUMN secret SET MASKING POLICY constant
----
ERROR 42501: must be owner of view raw

ALTER VIEW raw RENAME COLUMN secret TO open
----
ERROR 42501: must be owner of view raw

SELECT * FROM lakegate.tag_removals
----
(SELECT 0)

EXPLAIN POLICY FOR tina ON raw
----
ERROR 42501: must be owner of view raw

sam: SELECT secret FROM raw
----
+***
