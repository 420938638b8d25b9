SELECT id /* FROM {t}.vault */ FROM {t}.people ORDER BY 1
----
1
2
3

SELECT id -- FROM {t}.notes
FROM {t}.people ORDER BY 1
----
1
2
3

SELECT id FROM {t}.people /* /* nested */ , {t}.vault */ ORDER BY 1
----
1
2
3

SELECT id FROM {t}.people -- */ UNION SELECT id FROM {t}.vault
ORDER BY 1
----
1
2
3

-- aa */ SELECT secret FROM {t}.vault --
SELECT id FROM {t}.people ORDER BY 1
----
1
2
3

/*! SELECT secret FROM {t}.vault */ SELECT 1
----
1

SELECT /*+ BYPASS(people) */ id FROM {t}.people ORDER BY 1
----
INFO 00000: hint syntax error at or near "BYPASS(people)"
  DETAIL: Unrecognized hint keyword "BYPASS".
1
2
3

SELECT id # 1 FROM {t}.people ORDER BY 1
----
0
2
3

SELECT id FROM {t}.people WHERE name = $$x$$ OR name = $a$LEAK$a$
----
(SELECT 0)

SELECT $$ FROM {t}.vault $$, id FROM {t}.people ORDER BY 2
----
 FROM {t}.vault  | 1
 FROM {t}.vault  | 2
 FROM {t}.vault  | 3

SELECT $a$ $b$ $a$, id FROM {t}.people ORDER BY 2
----
 $b$  | 1
 $b$  | 2
 $b$  | 3

SELECT $outer$ $$ ; SELECT secret FROM {t}.vault; $$ $outer$
----
 $$ ; SELECT secret FROM {t}.vault; $$ 

SELECT E'\' FROM {t}.vault --', id FROM {t}.people ORDER BY 2
----
' FROM {t}.vault -- | 1
' FROM {t}.vault -- | 2
' FROM {t}.vault -- | 3

SELECT '\' , id FROM {t}.people ORDER BY 2 --'
----
\ | 1
\ | 2
\ | 3

SELECT 'a''b', id FROM {t}.people ORDER BY 2
----
a'b | 1
a'b | 2
a'b | 3

SELECT 'x'
  'y', id FROM {t}.people ORDER BY 2
----
xy | 1
xy | 2
xy | 3

SELECT 'x' 'y', id FROM {t}.people ORDER BY 2
----
ERROR 42601: syntax error at or near "'y'"

SELECT E'\x4c', id FROM {t}.people ORDER BY 2
----
L | 1
L | 2
L | 3

SELECT U&'\0041', id FROM {t}.people ORDER BY 2
----
A | 1
A | 2
A | 3

SELECT N'x', B'1', X'1f', id FROM {t}.people ORDER BY 4
----
ERROR 0A000: this form of query is not supported on lake tables
  HINT: PostgreSQL accepts it, the lake engine does not yet. Try to write it another way.

SET standard_conforming_strings = off;
SELECT '\'', id FROM {t}.people
----
ERROR 42601: unterminated quoted string at or near "'\'', id FROM {t}.people"

tina: SET standard_conforming_strings = off
tina: SELECT 'a\' OR 1=1 --', id FROM {t}.people
----
> tina
(SET)
> tina
ERROR 0A000: backslashes are not supported while standard_conforming_strings is off
  HINT: SET standard_conforming_strings TO on.

tina: SET backslash_quote = on
tina: SELECT 'a\', id FROM {t}.people ORDER BY 2 --'
----
> tina
(SET)
> tina
a\ | 1
a\ | 2
a\ | 3

tina: SET client_encoding = 'SJIS'
tina: SELECT '表', id FROM {t}.people
----
> tina
(SET)
> tina
ERROR 0A000: client_encoding SJIS is supported for statements in ASCII only
  HINT: SET client_encoding TO 'UTF8'.

tina: SET client_encoding = 'GBK'
tina: SELECT '縗' FROM {t}.people
----
> tina
(SET)
> tina
ERROR 22021: invalid byte sequence for encoding "GBK": 0x97

tina: SET client_encoding = 'LATIN1'
tina: SELECT id FROM {t}.people
----
> tina
(SET)
> tina
1
2
3

SELECT `id` FROM `{t}`.`people`
----
ERROR 42601: syntax error at or near "FROM"

SELECT [id] FROM [{t}].[people]
----
ERROR 42601: syntax error at or near "["

SELECT , id FROM {t}.people
----
ERROR 42601: syntax error at or near ","

SELECT id, FROM {t}.people
----
ERROR 42601: syntax error at or near "FROM"

FROM {t}.people SELECT id
----
ERROR 42601: syntax error at or near "FROM"

FROM {t}.vault
----
ERROR 42601: syntax error at or near "FROM"

{t}.people |> SELECT id
----
ERROR 42601: syntax error at or near "{t}"

FROM {t}.people |> WHERE id = 4
----
ERROR 42601: syntax error at or near "FROM"

SELECT 1email FROM {t}.people
----
ERROR 42601: trailing junk after numeric literal at or near "1email"

SELECT id FROM {t}.people WHERE id = 1email
----
ERROR 42601: trailing junk after numeric literal at or near "1email"

SELECT id FROM {t}.people WHERE 0x5 = id OR 1_0 = id
----
(SELECT 0)

SELECT id FROM {t}.people WHERE id OPERATOR(pg_catalog.=) 1
----
1

SELECT id FROM {t}.people WHERE id OPERATOR(pg_catalog.<>) ALL (SELECT id FROM {t}.vault)
----
ERROR 42P01: relation "{t}.vault" does not exist

SELECT id FROM {t}.people WHERE tenant !~~ 'n%'
----
(SELECT 0)

SELECT id FROM {t}.people WHERE id @> 1
----
ERROR 42883: operator does not exist: integer @> integer
  HINT: No operator matches the given name and argument types. You might need to add explicit type casts.

SELECT id FROM {t}.people WHERE !! id
----
ERROR 42883: operator does not exist: !! integer
  HINT: No operator matches the given name and argument type. You might need to add an explicit type cast.

SELECT id::text::varchar FROM {t}.people ORDER BY 1
----
1
2
3

SELECT int '5', id FROM {t}.people ORDER BY 2
----
5 | 1
5 | 2
5 | 3

SELECT id FROM {t}.people ORDER BY 1;;;; ;
----
1
2
3

; SELECT id FROM {t}.people ORDER BY 1
----
1
2
3

SELECT id FROM {t}.people ORDER BY 1; SELECT secret FROM {t}.vault
----
ERROR 42P01: relation "{t}.vault" does not exist

SELECT 1; SELECT id FROM {t}.vault; SELECT 2
----
ERROR 42P01: relation "{t}.vault" does not exist

SELECT ';', id FROM {t}.people ORDER BY 2
----
; | 1
; | 2
; | 3

SELECT "id;SELECT secret FROM {t}.vault" FROM {t}.people
----
ERROR 42703: column "id;SELECT secret FROM {t}.vault" does not exist

SELECT id FROM {t}.people UNION SELECT * FROM (VALUES ((SELECT id FROM {t}.vault))) v
----
ERROR 42P01: relation "{t}.vault" does not exist

VALUES ((SELECT secret FROM {t}.vault LIMIT 1))
----
ERROR 42P01: relation "{t}.vault" does not exist

SELECT (VALUES ((SELECT secret FROM {t}.vault LIMIT 1)))
----
ERROR 42P01: relation "{t}.vault" does not exist

SELECT * FROM ROWS FROM (generate_series(1, 2), unnest(ARRAY(SELECT secret FROM {t}.vault)))
----
ERROR 42P01: relation "{t}.vault" does not exist

SELECT * FROM JSON_TABLE((SELECT secret FROM {t}.vault LIMIT 1)::jsonb, '$' COLUMNS (a int PATH '$')) x
----
ERROR 42P01: relation "{t}.vault" does not exist

SELECT * FROM XMLTABLE('/a' PASSING (SELECT secret FROM {t}.vault LIMIT 1)::xml COLUMNS a int) x
----
ERROR 42P01: relation "{t}.vault" does not exist

SELECT JSON_OBJECT('a': (SELECT max(name) FROM {t}.people))
----
{"a" : "NVIS-Cleo"}

SELECT JSON_ARRAY(SELECT name FROM {t}.people)
----
["NVIS-Ann", "NVIS-Ben", "NVIS-Cleo"]

SELECT JSON_ARRAY(SELECT secret FROM {t}.vault)
----
ERROR 42P01: relation "{t}.vault" does not exist

SELECT j.id FROM {t}.people p JOIN {t}.vault v USING (id) AS j
----
ERROR 42P01: relation "{t}.vault" does not exist

SELECT XMLELEMENT(NAME a, (SELECT max(name) FROM {t}.people))
----
ERROR 0A000: unsupported XML feature
  DETAIL: This functionality requires the server to be built with libxml support.

SELECT xmlforest(name) FROM {t}.people
----
ERROR 0A000: unsupported XML feature
  DETAIL: This functionality requires the server to be built with libxml support.

SELECT json_query(name::jsonb, '$') FROM {t}.people
----
ERROR 22P02: invalid input syntax for type json
  DETAIL: Token "NVIS" is invalid.

SELECT j.v FROM {t}.people, json_table(name::jsonb, '$' COLUMNS (v text PATH '$')) AS j
----
ERROR 22P02: invalid input syntax for type json
  DETAIL: Token "NVIS" is invalid.

SELECT j.v FROM {t}.people, json_table('1'::jsonb, '$' COLUMNS (v text DEFAULT (SELECT max(name) FROM {t}.people) ON EMPTY)) AS j
----
ERROR 0A000: json_table with this clause is not available on lake tables
  HINT: Paths, defaults and types have to be constants and built in.

SELECT j."v'" FROM {t}.people, json_table('1'::jsonb, '$' COLUMNS ("v'" text PATH '$.a''', pg_sleep(1)) AS j
----
ERROR 42601: syntax error at or near "("

SELECT j."v""x" FROM {t}.people, json_table('[1]'::jsonb, '$[*]' COLUMNS ("v""x" text PATH '$')) AS j
----
1
1
1

SELECT json_query('[1]', '$' DEFAULT current_setting('data_directory') ON EMPTY) FROM {t}.people
----
ERROR 0A000: json_query with this clause is not available on lake tables
  HINT: Paths, defaults and types have to be constants and built in.

WITH RECURSIVE x (i) AS (SELECT id FROM {t}.people UNION ALL SELECT i + 1 FROM x WHERE i < 3) CYCLE i SET c USING p SELECT count(*) FROM x
----
6

SELECT string_agg(name, ',') FROM (SELECT name FROM {t}.people ORDER BY salary) AS s
----
ERROR 42703: column "salary" does not exist

SELECT string_agg(name, ',') FROM (SELECT name FROM {t}.people ORDER BY id DESC) AS s
----
NVIS-Cleo,NVIS-Ben,NVIS-Ann

SELECT GROUPING(tenant), count(*) FROM {t}.people GROUP BY tenant
----
0 | 3

SELECT id FROM {t}.people WINDOW w AS (ORDER BY salary)
----
ERROR 42703: column "salary" does not exist

SELECT id FROM {t}.people WHERE (id, salary) = (1, 2)
----
ERROR 42703: column "salary" does not exist

SELECT id FROM {t}.people WHERE (id, amount) > (SELECT 2, 0) ORDER BY 1
----
2
3

SELECT id FROM {t}.people AS p (a) ORDER BY a
----
ERROR 42703: column "id" does not exist

SELECT id FROM {t}.people ORDER BY 1 USING >
----
3
2
1

SELECT id FROM {t}.people QUALIFY row_number() OVER (ORDER BY salary) = 1
----
ERROR 42703: column "salary" does not exist

SELECT id FROM {t}.people MATCH_RECOGNIZE (PATTERN (a) DEFINE a AS true)
----
ERROR 42601: syntax error at or near "("

SELECT id FROM {t}.people CONNECT BY PRIOR id = amount
----
ERROR 42601: syntax error at or near "BY"

SELECT TOP 5 id FROM {t}.people
----
ERROR 42601: syntax error at or near "5"

SELECT id FROM {t}.people LIMIT 2, 5
----
ERROR 42601: LIMIT #,# syntax is not supported
  HINT: Use separate LIMIT and OFFSET clauses.

SELECT 1 FROM {t}.people LATERAL VIEW explode(array(salary)) x AS y
----
ERROR 42703: column "salary" does not exist

SELECT id FROM read_parquet('{t}/people')
----
ERROR 42883: function read_parquet(unknown) does not exist
  HINT: No function matches the given name and argument types. You might need to add explicit type casts.

SELECT * FROM {t}.people WHERE name = 'é' COLLATE "C"
----
ERROR 42501: permission denied for table people
  HINT: Name the columns: some of the table's may not be read.

SELECT id FROM {t}.people WHERE false UNION SELECT 1 WHERE 'a' = 'A' COLLATE nocase
----
ERROR 42704: collation "nocase" for encoding "UTF8" does not exist

MERGE INTO x USING {t}.vault ON true WHEN NOT MATCHED THEN DO NOTHING
----
ERROR 42P01: relation "x" does not exist
