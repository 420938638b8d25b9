-- field by arrow 1
select id, j -> 'a', j ->> 'a' from types;
-- field by arrow 2
select id, j -> 'b' -> 0, j -> 'b' ->> 1, j -> 0, j ->> -1 from types;
-- field by arrow 3
select id, j -> 'a' -> 'b', j -> 'a' ->> 'b' from types;
-- field by arrow 4
select (j::jsonb -> 'b') -> (id - 1), j::jsonb -> t from types;
-- field by arrow 5
select j -> 'a.b', j ->> '$.a', j -> '' from types;
-- field by arrow 6
select count(j -> 'a'), max(j ->> 'a') from types;
-- path operators 1
select j #> '{a,b}', j #>> '{a,b}' from types;
-- path operators 2
select j::jsonb #> array['b','1'], j::jsonb #>> array['b', '0'] from types;
-- path operators 3
select j #> at, j #>> '{}' from types;
-- path operators 4
select j::jsonb #- '{a,b}' from types where id in (1,7,8,9);
-- containment 1
select id from types where j::jsonb @> '{"a": 1}';
-- containment 2
select id, j::jsonb @> '[]', j::jsonb <@ '{"a":1,"b":[1,2],"c":3}' from types;
-- containment 3
select id from types where '{"a":null,"z":1}'::jsonb @> j::jsonb;
-- containment 4
select count(*) filter (where j::jsonb @> '[1]') from types;
-- keys 1
select id, j::jsonb ? 'a', j::jsonb ?| array['b','c'], j::jsonb ?& array['a','b'] from types;
-- keys 2
select id from types where j::jsonb ? t;
-- keys 3
select id from types where j::jsonb ?& at;
-- concatenation and removal 1
select j::jsonb || '{"z": 1}'::jsonb from types where id in (1,7,8);
-- concatenation and removal 2
select j::jsonb || j::jsonb from types;
-- concatenation and removal 3
select j::jsonb - 'a', j::jsonb - array['a','b'] from types where id in (1,2,7,8,9,11);
-- concatenation and removal 4
select j::jsonb - 0 from types where id in (2,11);
-- concatenation and removal 5
select jsonb_build_array(id, t) || to_jsonb(n) from types;
-- json paths 1
select id, j::jsonb @? '$.a ? (@ == 1)', j::jsonb @@ '$.b[*] > 1' from types;
-- json paths 2
select jsonb_path_exists(j::jsonb, '$.b[*] ? (@ >= $min)', '{"min": 2}') from types;
-- json paths 3
select jsonb_path_query_first(j::jsonb, '$.b[*]'), jsonb_path_query_array(j::jsonb, '$.b[*] ? (@ > 0)') from types;
-- json paths 4
select jsonb_path_match(j::jsonb, 'exists($.a)') from types;
-- json paths 5
select jsonb_path_query_first(j::jsonb, 'strict $.a') from types where id = 1;
-- json paths 6
-- error: 2203A
select jsonb_path_query_first(j::jsonb, 'strict $.z') from types;
-- json paths 7
select jsonb_path_query_array('{"h": 1.7}', '$.h.floor()'), jsonb_path_query_first(to_jsonb(t), '$.size()') from types;
-- json paths 8
select jsonb_path_query_first_tz(to_jsonb(ts), '$.datetime()') from types where id=1;
-- builders 1
select json_build_object('id', id, 'text', t, 'n', n), jsonb_build_object('d', d, 'ts', ts, 'b', b) from types;
-- builders 2
select json_build_array(id, t, null, n2), jsonb_build_array(i8, f8, u) from types;
-- builders 3
select to_json(t), to_jsonb(t), to_jsonb(n), to_json(f8) from types;
-- builders 4
select to_jsonb(ts), to_jsonb(tz), to_jsonb(d), to_jsonb(iv) from types;
-- builders 5
select to_jsonb(ai), to_jsonb(at), array_to_json(ai), to_json(b) from types;
-- builders 6
select json_object(array['a', t, 'b', v]) from types where t is not null;
-- builders 7
select json_object(array['k'], array[t]), jsonb_object(array['x', 'y'], array[v, t]) from types;
-- builders 8
select json_object('id' : id, 'v' : v) from types;
-- builders 9
select json_build_object() from types where id = 1;
-- builders 10
-- error: 22004
select json_build_object(t, 1) from types;
-- builders 11
select json_build_object('a', json_build_array(1, id), 'j', j) from types;
-- functions over documents 1
select json_typeof(j), jsonb_typeof(j::jsonb) from types;
-- functions over documents 2
select jsonb_array_length(j::jsonb -> 'b') from types;
-- functions over documents 3
-- error: 22023
select json_array_length(j) from types;
-- functions over documents 4
select jsonb_set(j::jsonb, '{a}', '"new"'), jsonb_set(j::jsonb, '{b,0}', to_jsonb(id), false) from types where id in (1,7,8,9);
-- functions over documents 5
select jsonb_insert(j::jsonb, '{b,0}', '0') from types where id = 1;
-- functions over documents 6
select jsonb_pretty(j::jsonb) from types;
-- functions over documents 7
select json_strip_nulls(j), jsonb_strip_nulls(j::jsonb) from types;
-- functions over documents 8
select jsonb_extract_path(j::jsonb, 'a', 'b'), jsonb_extract_path_text(j::jsonb, 'b', '1'), json_extract_path_text(j, 'a') from types;
-- functions over documents 9
select jsonb_set_lax(j::jsonb, '{a}', null, true, 'delete_key') from types where id in (1,7);
-- casts of documents 1
select j::jsonb from types;
-- casts of documents 2
select j::jsonb::text, j::text, j::jsonb::json from types;
-- casts of documents 3
select (j ->> 'a')::int from types where id in (1,2,9);
-- casts of documents 4
-- error: 22P02
select (j ->> 'a')::int from types;
-- casts of documents 5
select (j::jsonb -> 'a')::int, (j::jsonb->'a')::numeric from types where id in (1,2);
-- casts of documents 6
-- error: 22P02
select t::json from types;
-- casts of documents 7
-- error: 22P02
select t::jsonb from types where id = 2;
-- casts of documents 8
select '{"b": 1, "a":  2, "b": 3}'::jsonb, '{"b": 1, "a":  2}'::json from types where id < 3;
-- casts of documents 9
select ('[' || id || ',2]')::jsonb from types;
-- casts of documents 10
select cast(v as jsonb) from types where v is null;
-- comparison 1
select id from types where j::jsonb = '{}';
-- comparison 2
select id, j::jsonb = '[]'::jsonb, j::jsonb > '{}', j::jsonb <> 'null' from types;
-- comparison 3
select id from types where j::jsonb is not distinct from null;
-- comparison 4
select id from types where j::jsonb in ('{}', '[]', 'true');
-- comparison 5
select id from types where (j::jsonb -> 'a')::text between '0' and '9';
-- where and group 1
select j ->> 'a' as a, count(*) from types group by j ->> 'a';
-- where and group 2
select json_typeof(j), count(*), sum(id) from types group by 1;
-- where and group 3
select id from types where (j::jsonb -> 'b' ->> 0)::int = 1;
-- where and group 4
select id from types where j ->> 'a' = '1' or id = 3;
-- where and group 5
select distinct json_typeof(j) from types;
-- where and group 6
select json_typeof(j) k, row_number() over (partition by json_typeof(j) order by id) from types;
-- where and group 7
select a.id, b.id from types a join types b on a.j ->> 'a' = b.j ->> 'a';
-- where and group 8
select x.k from (select j ->> 'a' as k from types) x where x.k is not null;
-- where and group 9
with c as (select j::jsonb as jb from types) select jb -> 'a' from c where jb ? 'a';
-- where and group 10
select id from types order by json_typeof(j) nulls first, id;
-- where and group 11
select case when json_typeof(j) = 'object' then j ->> 'a' else 'none' end from types;
-- where and group 12
select coalesce(j ->> 'a', t, 'nothing') from types;
-- is json 1
select id, t is json, j::text is json object, v is not json from types;
-- is json 2
select '[1]' is json array, '1' is json scalar from types where id=1;
-- sql json functions 1
select json_value(j::jsonb, '$.a'), json_exists(j::jsonb, '$.b') from types;
-- sql json functions 2
select json_query(j::jsonb, '$.b') from types;
-- sql json functions 3
select json_value(j::jsonb, '$.a' returning int) from types where id in (1,2,9);
-- sql json functions 4
select json_scalar(id), json_serialize(j) from types;
-- sql json functions 5
select json_array(id, t, b) from types;
-- errors 1
-- error: 22P02
select ('{' || t)::jsonb from types where id = 1;
-- errors 2
-- error: 22023
select jsonb_array_length(j::jsonb) from types where id = 1;
-- errors 4
-- error: 2202E
select json_object(array['a']) from types;
-- set returning 1
select jsonb_array_elements(j::jsonb -> 'b') from types;
-- aggregates 1
select json_agg(t order by id), jsonb_agg(n order by id desc) from types;
-- aggregates 2
select b, jsonb_agg(j order by id), json_agg(ts order by id) from types group by b;
-- aggregates 3
select json_object_agg(id, t order by id), jsonb_object_agg(b, id order by id) from types where b is not null;
-- aggregates 4
select json_agg(id) from types where id < 0;
-- aggregates 5
select jsonb_agg(id order by id) filter (where i2 > 5) from types;
-- aggregates 6
select jsonb_agg(id order by id) -> 0, jsonb_array_length(jsonb_agg(t)) from types;
-- aggregates 7
select b, json_agg(json_build_object('id', id, 'ai', ai) order by id) as x from types group by b having count(*) > 1;
-- aggregates 8
-- error: 22023
select jsonb_object_agg(t, id) from types;
-- aggregates of distinct values
select jsonb_agg(distinct id) from types;
-- units that are columns
select date_bin(interval '1 hour', ts, ts), date_bin(iv, ts, timestamp '2000-01-01') from types where id = 5;
-- json of different values
select json_agg(distinct i4), jsonb_agg(distinct t order by t desc), jsonb_agg(distinct n order by n), json_agg(distinct d), json_agg(distinct ts), json_agg(distinct tm), json_agg(distinct b), jsonb_agg(distinct f8) from types
-- json of different values by group
select b, json_agg(distinct i4), jsonb_agg(distinct t) filter (where id > 5) from types group by b
-- json of different documents
select jsonb_agg(distinct j::jsonb order by j::jsonb desc), json_agg(distinct jsonb_build_object('a', i4)) from types
-- json of no values
select jsonb_agg(distinct id), json_agg_strict(id), jsonb_object_agg_strict(id, t) from types where false
-- json without nulls
select jsonb_agg_strict(i4 order by id), json_agg_strict(t order by id desc), jsonb_agg_strict(i4 order by id) filter (where id > 2), json_object_agg_strict(id, t order by id), jsonb_object_agg_strict(id, t), jsonb_agg_strict(distinct i4) from types
-- json without nulls as a window
select id, jsonb_agg_strict(i4) over (order by id) from types
-- an object without a key
-- error: 22023
select jsonb_object_agg_strict(i4, t) from types
-- documents in order
select id from types order by j::jsonb, id
-- an array of different documents
select array_agg(distinct j::jsonb) from types;
-- strict aggregates of rows without values
select json_agg_strict(k), jsonb_agg_strict(k), json_object_agg_strict(w, k), jsonb_object_agg_strict(w, k) from pairs where k is null and w is not null;
-- strict aggregates of no rows
select json_agg_strict(k), jsonb_agg_strict(k) filter (where k > 100), jsonb_object_agg_strict(w, k) from pairs where k > 100;
-- strict aggregates in groups
select k, jsonb_agg_strict(w), json_agg_strict(w) filter (where w > 'p') from pairs group by k;
-- strict aggregates as windows
select k, jsonb_agg_strict(w) over (partition by k) from pairs where k > 2

-- json_arrayagg
select json_arrayagg(t order by id), json_arrayagg(t order by id null on null), json_arrayagg(t order by id absent on null returning jsonb),
  json_arrayagg(i4 order by id desc returning json), json_arrayagg(t order by id null on null) filter (where id < 5) from types;

-- json_objectagg
select json_objectagg(id : t), json_objectagg(id value t absent on null), json_objectagg(id value t returning jsonb) from types where id = 2;

-- json_objectagg of NULL
select json_objectagg(id : t), json_objectagg(id value t absent on null) from types where id = 4;

-- json_arrayagg and json_objectagg by groups
-- ordered
select b, json_arrayagg(t order by id), json_objectagg(id : t) filter (where id in (1, 2, 3)) from types group by b order by b;

-- json_arrayagg of no rows
select json_arrayagg(t), json_objectagg(id : t), json_arrayagg(t null on null) from types where id > 100;

-- json_objectagg with unique keys
select json_objectagg(id : t with unique keys) from (select id, t from types order by id) x;
-- json and texts that are constants as jsonb
select '{"a":1}'::json::jsonb, '{"b":1,"a":2}'::text::jsonb, '{"b": 1}'::jsonb::text::json;
-- json and texts that are constants as jsonb, and what is in it
select id, '{"b": 1, "a":2}'::json::jsonb -> 'a', ('{"b": 1, "a":2}'::text::jsonb) ->> 'a' from types;
-- texts that are constants as ranges and addresses
select '[1,2]'::text::int4range, '{1,2}'::text::int[], '1'::text::bit(3), '10.0.0.1'::text::inet;

-- subscripts of jsonb count from zero
select id, j['a'], j['a'][0], j['a'][1], j['a'][-1], j[0], j[-1], j['a'][id - 1], (j -> 'a')[1], (j -> 'a')[-2], j['b']['c'] from (select id, jsonb_build_object('a', jsonb_build_array(id, 'x', null), 'b', jsonb_build_object('c', id)) as j from types) s;
-- subscripts of jsonb in conditions
select id from (select id, jsonb_build_array(id, id % 2) as j from types) s where j[1] = '0' and (j[0])::int > 4;
-- subscripts of a constant jsonb
select ('[1, 2, 3]'::jsonb)[1], ('[1, 2, 3]'::jsonb)[-1], ('{"1": "one"}'::jsonb)[1], ('[1, 2, 3]'::jsonb)[id] from types;

-- arrays of a query
select json_array(select k from pairs order by k), json_array(select k from pairs where false), json_array(select w from pairs where k < 3 order by k returning jsonb), k from pairs;
