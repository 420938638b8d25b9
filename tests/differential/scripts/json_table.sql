-- json_table
select id, jt.* from types, json_table(j::jsonb, '$' columns (a int path '$.a')) jt;
-- json_table of json
select id, jt.* from types, json_table(j, '$' columns (a text, b jsonb)) jt where id < 8;
-- json_table ordinality and elements
select id, jt.* from types, json_table(j::jsonb, '$.b[*]' columns (o for ordinality, v int path '$')) jt;
-- json_table defaults and exists
select * from json_table('[{"a":1,"b":"x"},{"a":2}]'::jsonb, '$[*]' columns (a int, b text default 'it''s' on empty, e boolean exists path '$.b', c int default -1 on empty null on error)) jt, region;
-- json_table nested
select r_name, jt.* from region left join lateral json_table('[{"k":0,"p":[{"x":1.50},{"x":2}]},{"k":1,"p":[]}]'::jsonb, '$[*]' columns (rowno for ordinality, k int, nested path '$.p[*]' as pp columns (n for ordinality, x numeric(10,2)))) jt on jt.k = r_regionkey;
-- json_table two nested lists
select jt.* from region, json_table('[{"a":[1,2],"b":["x","y"]}]'::jsonb, '$[*]' columns (id for ordinality, nested '$.a[*]' columns (a int path '$'), nested path '$.b[*]' columns (b text path '$'))) jt where r_regionkey = 0;
-- json_table wrappers and formats
select jt.a, jt."B c" from types t cross join lateral json_table(t.j, '$' columns (a jsonb path '$.a', "B c" text format json path '$.b' with unconditional wrapper)) as jt where t.id < 9;
-- json_table quotes
select jt.* from types, json_table(j, '$' columns (a json path '$' keep quotes, b text path '$' omit quotes)) jt where id = 5;
-- json_table renamed columns
select jt.a, jt.b from types, json_table(j, '$' columns (x text path '$.a', y double precision path '$')) as jt(a, b);
-- json_table moments
select x.d, x.z, x.t from region, json_table('{"d":"2024-01-31","z":"2024-01-31T10:00:00+02","t":"2024-01-31T10:00:00"}'::jsonb, '$' columns (d date, z timestamp with time zone, t timestamp)) x where r_regionkey = 1;
-- json_table grouped
select id, sum(jt.v), count(*) from types, json_table(j, '$.b[*]' columns (v int path '$')) jt group by id;
-- json_table without alias
select a from json_table('[{"a":1},{"a":2}]'::jsonb, '$[*]' columns (a int)), region where r_regionkey = a;
-- json_table of null
select count(*) from types, json_table(null::jsonb, '$' columns (a int)) jt;
-- json_table in a subquery
select id, (select max(v) from json_table(j, '$.b[*]' columns (v int path '$')) jt) as most from types;
-- json_table error on error
-- error: 2203A
select count(*) from types, json_table(j, 'strict $.zz' columns (v int path '$') error on error) jt;
-- json_table type that does not fit
-- error: 22P02
select jt.v from types, json_table(j, '$' columns (v int path '$' error on error)) jt where id = 5;
-- json_table with an array
-- refused: json_table with
select jt.v from types, json_table(j, '$' columns (v int[] path '$.b')) jt;
-- json_table with arguments
select jt.v from types, json_table(j, '$.a ? (@ > $x)' passing id as x columns (v int path '$')) jt;
-- json_query with wrapper
select id, json_query(j::jsonb, '$.b' with wrapper) as q, json_query(j, '$.a' with conditional wrapper) from types where j is not null;
-- json_query returning text
select id, json_query(j::jsonb, '$.b' returning text omit quotes) as q from types where j is not null;
-- json_query defaults
select id, json_query(j::jsonb, '$.b' default '[]' on empty) as q, json_query(j, 'strict $.b' empty array on error) from types where j is not null;
-- json_query plain
select id, json_query(j::jsonb, '$.b') as q from types where j is not null;
-- json_query of json_query
select id, json_query(json_query(j, '$' with wrapper), '$[0].b' with wrapper) as q from types where j is not null;
-- json_query in derived table
select v from (select id, json_query(j, '$.b' with wrapper) as v from types) s where v is not null;
-- json_exists on error
select id, json_exists(j::jsonb, 'strict $.a' true on error) as q from types where j is not null;
-- json_value with defaults
select id, json_value(j::jsonb, '$.a' returning int default -1 on empty default -2 on error) from types where j is not null;
-- json_table with arguments of the row
select id, jt.* from types, json_table(jsonb '[1,2,3]', '$[*] ? (@ > $x && @ < $"Y z")' as p passing i2 - 1 as x, (coalesce(id, 1) + 1) as "Y z" columns (n for ordinality, a int path '$ + $x')) jt;
-- json_value with arguments
select id, json_value(jsonb '[1,2,3]', '$[$i]' passing id as i returning int default -1 on empty), json_value(to_json(t), '$ ? (@ == $x)' passing t as x) from types;
-- json_query and json_exists with arguments
select id, json_query(jsonb '[1,2,3]', '$[*] ? (@ < $i)' passing id as i with wrapper), json_exists(to_jsonb(ai), '$[*] ? (@ == $x)' passing i2 as x), json_exists('[1]', '$[*] ? (@ == $x)' passing n as x) from types;
-- json_query with arguments within arguments
select json_value(json_query(jsonb '[[1,2],3]', '$[$i]' passing 0 as i), '$[$j]' passing id % 2 as j) from types;
-- json_query with an argument in a condition
select id from types where json_exists(to_jsonb(at), '$[*] ? (@ == $x)' passing coalesce(t, 'a') as x);
-- json_value of constants without a type
select id, json_value('{"a": 1}', '$.a'), json_value('[1,2]', '$[1]' returning int), json_value(null, '$.a'), json_exists('[1]', '$[0]'), json_query('[1]', '$[0]' with wrapper) from types where id < 3;
-- json_table of a constant without a type
select r_name, a from region, json_table('[{"a":1},{"a":2}]', '$[*]' columns (a int)) t where a = r_regionkey;
-- json_table with arguments that are not named
-- error: 42601
select jt.v from types, json_table(j, '$.a ? (@ > $x)' passing id columns (v int path '$')) jt;
