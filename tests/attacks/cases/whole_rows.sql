# (all kinds)
SELECT * FROM {t}.people
----
ERROR 42501: permission denied for table people
  HINT: Name the columns: some of the table's may not be read.

SELECT p.* FROM {t}.people p
----
ERROR 42501: permission denied for table people
  HINT: Name the columns: some of the table's may not be read.

SELECT people FROM {t}.people
----
ERROR 42501: permission denied for table people
  HINT: Name the columns: some of the table's may not be read.

SELECT p FROM {t}.people p
----
ERROR 42501: permission denied for table people
  HINT: Name the columns: some of the table's may not be read.

SELECT p::text FROM {t}.people p
----
ERROR 42501: permission denied for table people
  HINT: Name the columns: some of the table's may not be read.

SELECT o FROM {t}.orders o ORDER BY id
----
(1,1,north,NVIS-item-1,****-1001,1.50)
(4,1,north,NVIS-item-4,****-1004,4.50)
(7,1,north,NVIS-item-7,****-1007,7.50)
(10,1,north,NVIS-item-10,****-1010,10.50)

SELECT row_to_json(p) FROM {t}.people p
----
ERROR 42501: permission denied for table people
  HINT: Name the columns: some of the table's may not be read.

SELECT row_to_json(o) FROM {t}.orders o
----
{"id":1,"person_id":1,"tenant":"north","item":"NVIS-item-1","card":"****-1001","price":1.50}
{"id":4,"person_id":1,"tenant":"north","item":"NVIS-item-4","card":"****-1004","price":4.50}
{"id":7,"person_id":1,"tenant":"north","item":"NVIS-item-7","card":"****-1007","price":7.50}
{"id":10,"person_id":1,"tenant":"north","item":"NVIS-item-10","card":"****-1010","price":10.50}

SELECT to_json(p) FROM {t}.people p
----
ERROR 42501: permission denied for table people
  HINT: Name the columns: some of the table's may not be read.

SELECT to_jsonb(p) ->> 'salary' FROM {t}.people p
----
ERROR 42501: permission denied for table people
  HINT: Name the columns: some of the table's may not be read.

SELECT to_jsonb(o) -> 'card' FROM {t}.orders o
----
"****-1001"
"****-1004"
"****-1007"
"****-1010"

SELECT json_agg(p) FROM {t}.people p
----
ERROR 42501: permission denied for table people
  HINT: Name the columns: some of the table's may not be read.

SELECT jsonb_object_agg(id, p) FROM {t}.people p
----
ERROR 42501: permission denied for table people
  HINT: Name the columns: some of the table's may not be read.

SELECT (p).salary FROM {t}.people p
----
ERROR 42501: permission denied for table people
  HINT: Name the columns: some of the table's may not be read.

SELECT (p).* FROM {t}.people p
----
ERROR 42501: permission denied for table people
  HINT: Name the columns: some of the table's may not be read.

SELECT (people).leak FROM {t}.people
----
ERROR 42501: permission denied for table people
  HINT: Name the columns: some of the table's may not be read.

SELECT salary(p) FROM {t}.people p
----
ERROR 42501: permission denied for table people
  HINT: Name the columns: some of the table's may not be read.

SELECT name(p) FROM {t}.people p
----
ERROR 42501: permission denied for table people
  HINT: Name the columns: some of the table's may not be read.

SELECT count(p) FROM {t}.people p
----
ERROR 42501: permission denied for table people
  HINT: Name the columns: some of the table's may not be read.

SELECT count(DISTINCT p) FROM {t}.people p
----
ERROR 42501: permission denied for table people
  HINT: Name the columns: some of the table's may not be read.

SELECT ROW(p.*) FROM {t}.people p
----
ERROR 42501: permission denied for table people
  HINT: Name the columns: some of the table's may not be read.

SELECT ROW(p.id, p.email) FROM {t}.people p
----
(1,y***)
(2,z***)
(3,x***)

SELECT array_agg(p) FROM {t}.people p
----
ERROR 42501: permission denied for table people
  HINT: Name the columns: some of the table's may not be read.

SELECT string_agg(p::text, ',') FROM {t}.people p
----
ERROR 42501: permission denied for table people
  HINT: Name the columns: some of the table's may not be read.

SELECT hashtext(p::text) FROM {t}.people p
----
ERROR 42501: permission denied for table people
  HINT: Name the columns: some of the table's may not be read.

SELECT md5(p::text) FROM {t}.people p
----
ERROR 42501: permission denied for table people
  HINT: Name the columns: some of the table's may not be read.

SELECT p IS NULL FROM {t}.people p
----
ERROR 42501: permission denied for table people
  HINT: Name the columns: some of the table's may not be read.

SELECT p = p FROM {t}.people p
----
ERROR 42501: permission denied for table people
  HINT: Name the columns: some of the table's may not be read.

SELECT * EXCEPT (id) FROM {t}.people
----
ERROR 42501: permission denied for table people
  HINT: Name the columns: some of the table's may not be read.

SELECT * EXCLUDE (id) FROM {t}.people
----
ERROR 42501: permission denied for table people
  HINT: Name the columns: some of the table's may not be read.

SELECT * REPLACE (1 AS id) FROM {t}.people
----
ERROR 42501: permission denied for table people
  HINT: Name the columns: some of the table's may not be read.

SELECT COLUMNS('.*') FROM {t}.people
----
ERROR 42883: function columns(unknown) does not exist
  HINT: No function matches the given name and argument types. You might need to add explicit type casts.

SELECT struct(p.*) FROM {t}.people p
----
ERROR 42501: permission denied for table people
  HINT: Name the columns: some of the table's may not be read.

SELECT concat(p.*) FROM {t}.people p
----
ERROR 42501: permission denied for table people
  HINT: Name the columns: some of the table's may not be read.

SELECT greatest(p.*) FROM {t}.people p
----
ERROR 42501: permission denied for table people
  HINT: Name the columns: some of the table's may not be read.

SELECT x.* FROM (SELECT * FROM {t}.people) x
----
ERROR 42501: permission denied for table people
  HINT: Name the columns: some of the table's may not be read.

SELECT count(*) FROM (SELECT * FROM {t}.people) x
----
ERROR 42501: permission denied for table people
  HINT: Name the columns: some of the table's may not be read.

SELECT count(*) FROM (TABLE {t}.people) x
----
ERROR 42501: permission denied for table people
  HINT: Name the columns: some of the table's may not be read.

SELECT EXISTS (SELECT * FROM {t}.people WHERE tenant = 'south')
----
ERROR 42501: permission denied for table people
  HINT: Name the columns: some of the table's may not be read.

SELECT id FROM {t}.people p ORDER BY p
----
ERROR 42501: permission denied for table people
  HINT: Name the columns: some of the table's may not be read.

SELECT count(*) FROM {t}.people p GROUP BY p
----
ERROR 42501: permission denied for table people
  HINT: Name the columns: some of the table's may not be read.

SELECT ctid FROM {t}.people
----
ERROR 42703: column "ctid" does not exist

SELECT tableoid::regclass FROM {t}.people
----
ERROR 42703: column "tableoid" does not exist

SELECT xmin, cmin FROM {t}.people
----
ERROR 42703: column "xmin" does not exist

SELECT _file FROM {t}.people
----
ERROR 42703: column "_file" does not exist

SELECT _metadata.file_path FROM {t}.people
----
ERROR 42703: column "file_path" does not exist

SELECT input_file_name() FROM {t}.people
----
ERROR 42883: function input_file_name() does not exist
  HINT: No function matches the given name and argument types. You might need to add explicit type casts.

SELECT file_row_index FROM {t}.people
----
ERROR 42703: column "file_row_index" does not exist

SELECT * FROM {t}.people PIVOT (count(*) FOR tenant IN ('south'))
----
ERROR 42501: permission denied for table people
  HINT: Name the columns: some of the table's may not be read.

SELECT * FROM {t}.people UNPIVOT (v FOR n IN (salary, balance))
----
ERROR 42501: permission denied for table people
  HINT: Name the columns: some of the table's may not be read.

eve: SELECT row_to_json(o) FROM {t}.orders o
----
ERROR 42P01: relation "{t}.orders" does not exist

aud: SELECT row_to_json(p) FROM {t}.people p
----
ERROR 42501: permission denied for table people
  HINT: Name the columns: some of the table's may not be read.

aud: SELECT * FROM {t}.people
----
ERROR 42501: permission denied for table people
  HINT: Name the columns: some of the table's may not be read.

SELECT json_agg(o ORDER BY o.id) FROM {t}.orders o WHERE id < 5
----
[{"id":1,"person_id":1,"tenant":"north","item":"NVIS-item-1","card":"****-1001","price":1.50}, \n {"id":4,"person_id":1,"tenant":"north","item":"NVIS-item-4","card":"****-1004","price":4.50}]

SELECT jsonb_agg(o ORDER BY o.id) FROM {t}.orders o WHERE id < 5
----
[{"id": 1, "card": "****-1001", "item": "NVIS-item-1", "price": 1.50, "tenant": "north", "person_id": 1}, {"id": 4, "card": "****-1004", "item": "NVIS-item-4", "price": 4.50, "tenant": "north", "person_id": 1}]

SELECT to_jsonb(o) ->> 'card' FROM {t}.orders o WHERE to_jsonb(o) ->> 'card' LIKE '%1004'
----
****-1004

SELECT row_to_json(row(o.*)), json_build_object('o', o) FROM {t}.orders o WHERE id = 4
----
{"f1":4,"f2":1,"f3":"north","f4":"NVIS-item-4","f5":"****-1004","f6":4.50} | {"o" : {"id":4,"person_id":1,"tenant":"north","item":"NVIS-item-4","card":"****-1004","price":4.50}}

SELECT json_build_object('p', p) FROM {t}.people p
----
ERROR 42501: permission denied for table people
  HINT: Name the columns: some of the table's may not be read.

SELECT row_to_json(s) FROM (SELECT * FROM {t}.people) s
----
ERROR 42501: permission denied for table people
  HINT: Name the columns: some of the table's may not be read.

SELECT row_to_json(s) FROM (SELECT id, email FROM {t}.people) s
----
{"id":1,"email":"y***"}
{"id":2,"email":"z***"}
{"id":3,"email":"x***"}

SELECT o.id, row_to_json(p) FROM {t}.orders o LEFT JOIN {t}.people p ON p.id = o.id
----
ERROR 42501: permission denied for table people
  HINT: Name the columns: some of the table's may not be read.

SELECT (SELECT json_agg(p) FROM {t}.people p WHERE p.id = o.id) FROM {t}.orders o
----
ERROR 42501: permission denied for table people
  HINT: Name the columns: some of the table's may not be read.

SELECT id, E'two\n  Limit: skip=0, fetch=9223372036854775807\nlines' FROM {t}.orders WHERE id = 1
----
1 | two\n  Limit: skip=0, fetch=9223372036854775807\nlines

SELECT string_agg(item, E',\n ' ORDER BY id) FROM {t}.orders WHERE id < 5
----
NVIS-item-1,\n NVIS-item-4

# records in binary hold what is seen (all kinds)
tina binary: SELECT o FROM {t}.orders o ORDER BY o.id
tina binary: SELECT n, o FROM {t}.notes n LEFT JOIN {t}.orders o ON o.id = n.id WHERE n.id < 3 ORDER BY n.id
tina binary: SELECT p FROM {t}.people p
tina binary: SELECT (SELECT o FROM {t}.orders o LIMIT 1)
----
> tina
\x0000000600000017000000040000000100000017000000040000000100000019000000056e6f727468000000190000000b4e5649532d6974656d2d3100000019000000092a2a2a2a2d31303031000006a40000000c000200000000000200011388
\x0000000600000017000000040000000400000017000000040000000100000019000000056e6f727468000000190000000b4e5649532d6974656d2d3400000019000000092a2a2a2a2d31303034000006a40000000c000200000000000200041388
\x0000000600000017000000040000000700000017000000040000000100000019000000056e6f727468000000190000000b4e5649532d6974656d2d3700000019000000092a2a2a2a2d31303037000006a40000000c000200000000000200071388
\x0000000600000017000000040000000a00000017000000040000000100000019000000056e6f727468000000190000000c4e5649532d6974656d2d313000000019000000092a2a2a2a2d31303130000006a40000000c0002000000000002000a1388
> tina
\x0000000200000017000000040000000100000019000000066e6f74652031 | \x0000000600000017000000040000000100000017000000040000000100000019000000056e6f727468000000190000000b4e5649532d6974656d2d3100000019000000092a2a2a2a2d31303031000006a40000000c000200000000000200011388
\x0000000200000017000000040000000200000019000000066e6f74652032 | NULL
> tina
ERROR 42501: permission denied for table people
  HINT: Name the columns: some of the table's may not be read.
> tina
ERROR 0A000: a row as value in this place is not available on lake tables
  HINT: Name its columns, or cast it to text.
