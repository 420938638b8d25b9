-- jsonb_array_elements of a column
select id, e.value from (select id, (j::jsonb) -> 'b' as b from types where id in (1, 4)) s, jsonb_array_elements(s.b) e
-- jsonb_array_elements by its alias
select id, e from (select id, (j::jsonb) -> 'b' as b from types where id in (1, 4)) s cross join lateral jsonb_array_elements(s.b) as e
-- jsonb_array_elements with its own name
select id, value from (select id, (j::jsonb) -> 'b' as b from types where id in (1, 4)) s cross join jsonb_array_elements(s.b)
-- jsonb_array_elements with a column name
select id, x.n from (select id, (j::jsonb) -> 'b' as b from types where id = 1) s, jsonb_array_elements(s.b) as x (n)
-- jsonb_array_elements with ordinality
select id, x.n, x.place from (select id, (j::jsonb) -> 'b' as b from types where id = 1) s, jsonb_array_elements(s.b) with ordinality as x (n, place)
-- json_array_elements
select id, e from (select id, j -> 'b' as b from types where id = 1) s, json_array_elements(s.b) e
-- json_array_elements_text
select id, e from (select id, j -> 'b' as b from types where id = 1) s, json_array_elements_text(s.b) e where e > '1'
-- jsonb_array_elements_text of built arrays
select id, e from types, jsonb_array_elements_text(to_jsonb(at)) e
-- members of the elements
select p.id, e ->> 'n' as n, (e ->> 'n')::int + 1 from padded p, jsonb_array_elements(jsonb_build_array(jsonb_build_object('n', p.id), jsonb_build_object('n', p.id * 10))) e
-- jsonb_array_elements in the select list
select id, jsonb_array_elements(to_jsonb(ai)) from types
-- jsonb_array_elements_text in an expression of the select list
select id, jsonb_array_elements_text(to_jsonb(ai))::int + 1 as n from types where id < 4
-- jsonb_array_elements left join
select id, e from types left join lateral jsonb_array_elements_text(to_jsonb(ai)) e on true
-- jsonb_array_elements of constants
select r_name, e from region, jsonb_array_elements_text('["ASIA", "AFRICA", null]') e where r_name = e
-- elements counted
select id, (select count(*) from jsonb_array_elements(to_jsonb(t.ai))) as n from types t
-- elements in exists
select id from types t where exists (select from jsonb_array_elements_text(to_jsonb(t.at)) e where e = 'a')
-- jsonb_object_keys
select id, k from padded p, jsonb_object_keys(to_jsonb(p)) k
-- json_object_keys
select id, k from padded p, json_object_keys(to_json(p)) as k
-- jsonb_object_keys in the select list
select id, jsonb_object_keys(to_jsonb(p)) from padded p
-- jsonb_each
select id, e.key, e.value from padded p, jsonb_each(to_jsonb(p)) e
-- jsonb_each_text
select id, e.key, e.value from padded p, jsonb_each_text(to_jsonb(p)) e where e.key <> 'id'
-- json_each with column names
select id, k, v from padded p, json_each(row_to_json(p)) as e (k, v)
-- json_each_text with ordinality
select id, e.* from padded p, json_each_text(row_to_json(p)) with ordinality e
-- jsonb_path_query
select id, v from padded p, jsonb_path_query(to_jsonb(p), '$.*') v
-- jsonb_path_query with variables
select id, found from types t, jsonb_path_query(to_jsonb(t.ai), '$[*] ? (@ > $least)', '{"least": 2}') found
-- regexp_matches
select id, m from types, regexp_matches(v, '([a-z])([a-z]+)', 'g') m
-- regexp_matches by parts
select id, m[1], m[2] from types, regexp_matches(v, '([a-z])([a-z]+)', 'g') as r (m)
-- regexp_matches in the select list
select id, regexp_matches(v, '[a-z]+', 'g') from types
-- regexp_matches once
select id, regexp_matches(v, 'o(.)e') from types
-- generate_subscripts
select id, s, ai[s] from types, generate_subscripts(ai, 1) s
-- generate_subscripts backwards
select id, s from types, generate_subscripts(ai, 1, true) as s
-- generate_subscripts in the select list
select id, generate_subscripts(ai, 1) from types
-- rows of a function in a condition
select id, part from types, regexp_split_to_table(v, ',') as part where part <> 'one'
-- rows of several arrays in a condition
select id, a, u.b from types, unnest(ai, at) as u (a, b) where u.b is not null and a > 1
-- grouped by rows of a function
select k, count(*) from padded p, jsonb_object_keys(to_jsonb(p)) k group by k having count(*) > 1
-- whole row of an outer query
select id, (select to_jsonb(p) ->> 'code' from pairs q where q.k = p.id limit 1) from padded p where id = 3
-- rows of two tables at once
select a.id, e from padded a join padded b using (id), jsonb_array_elements(jsonb_build_array(a.id, b.id)) e
-- rows of two tables in a condition
-- refused: refers to more than one table
select a.id, e from padded a join padded b using (id), jsonb_array_elements(jsonb_build_array(a.id, b.id)) e where e > '2'
-- jsonb_to_recordset
select id, r.a, r.b from padded p, jsonb_to_recordset(jsonb_build_array(jsonb_build_object('a', p.id, 'b', p.code), jsonb_build_object('b', 'x'))) as r (a int, b text)
-- json_to_recordset of constants
select r_name, x.* from region, json_to_recordset('[{"n": 1, "Name": "ASIA", "rest": {"z": [1]}}, {"n": 2.5, "Name": "EUROPE"}]') as x (n numeric, "Name" text, rest json) where x."Name" = r_name
-- jsonb_to_record
select p.id, r.id as again, r.code, r.missing from padded p, jsonb_to_record(to_jsonb(p)) as r (id bigint, code text, missing date)
-- jsonb_to_record with a condition
select p.id from padded p, jsonb_to_record(to_jsonb(p)) as r (id bigint, code varchar) where r.id > 2 and r.code is not null
-- jsonb_to_recordset of what is not a number
-- error: 22P02
select r.* from padded p, jsonb_to_recordset(jsonb_build_array(to_jsonb(p))) as r (code int)
-- not an array
-- error: 22023
select id, e from padded p, jsonb_array_elements(to_jsonb(p)) e
-- keys of an array
-- error: 22023
select id, e from types, jsonb_object_keys(to_jsonb(ai)) e
-- one column of rows in a select list
select id, (jsonb_each(j::jsonb)).key, (jsonb_each(j::jsonb)).value from types where jsonb_typeof(j::jsonb) = 'object'
-- keys counted
select (jsonb_each_text(j::jsonb)).key as k, count(*) from types where json_typeof(j) = 'object' group by 1
-- parts of a text in a select list
select id, regexp_split_to_table(t, ' ') as word, v from types
-- parts of a text with a null
select id, string_to_table(v, ',', 'one'), upper(regexp_split_to_table(coalesce(t, ''), '')) from types where id < 4
