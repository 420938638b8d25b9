-- row to json of a table
select row_to_json(p) from pairs p where q < 10
-- row to json of every type
select id, row_to_json(ty) from types ty
-- to jsonb of every type
select id, to_jsonb(ty) from types ty
-- to json of a padded text
select to_json(padded) from padded
-- row to json in lines
select row_to_json(p, true) from pairs p where q < 10
-- row to json in one line
select row_to_json(p, false) from pairs p where q < 10
-- row of a derived table
select row_to_json(s) from (select k, w || '"' as "the ""w""", k * 2 as twice, null::int as nothing from pairs where k < 4) s
-- row of a cte
with s as (select k, count(*) as n from pairs group by k) select row_to_json(s) from s
-- rows of two tables
select row_to_json(a), to_jsonb(b) from pairs a join padded b on b.id = a.k
-- row that an outer join has not found
select a.k, row_to_json(b), to_jsonb(b) is null from pairs a left join padded b on b.id = a.k + 3
-- json agg of rows
select json_agg(p order by id) from padded p
-- json agg of some rows
select json_agg(p order by id) filter (where code is not null) from padded p
-- jsonb agg of rows
select jsonb_agg(p order by id) from padded p
-- json agg of rows by group
select k, json_agg(p order by w) from pairs p where q < 10 group by k
-- json agg of rows of a derived table
select json_agg(s order by s.id) from (select id, i4 as number, t as "Text" from types where id < 5) s
-- json agg of rows to json
select json_agg(row_to_json(p) order by id) from padded p
-- json object agg of rows
select json_object_agg(id, p order by id) from padded p
-- jsonb object agg of rows
select jsonb_object_agg(id, p) from padded p
-- rows in built objects
select json_build_object('row', p, 'id', p.id), jsonb_build_array(p, 1) from padded p
-- part of a row as jsonb
select to_jsonb(p) -> 'code', to_jsonb(p) ->> 'id' from padded p
-- keys taken from a row as jsonb
select to_jsonb(p) - 'id' from padded p
-- condition on a row as jsonb
select id from padded p where to_jsonb(p) ->> 'code' = 'x    '
-- row in a subquery
select id, (select row_to_json(q) from (select p.code, p.id + 1 as next) q) from padded p
-- rows gathered in a subquery
select id, (select json_agg(q order by q.k) from (select k from pairs where k <= p.id) q) from padded p
-- row in lateral
select p.id, r.j from padded p cross join lateral (select row_to_json(x) as j from (select p.id, p.code) x) r
-- row to json of a row value
select row_to_json(row(id, code)) from padded
-- row values of constants
select row_to_json(row(id, 'a"b', null, null::int)) from padded
-- row values as jsonb
select to_jsonb((id, code)) from padded
-- row values of numbers
select row_to_json(row(id, 1.50, true)) from padded
-- row values of the columns of a table
select to_json(row(p.*)), json_build_array(row(p.id, 'x')) from padded p where id = 1
-- json agg of row values
select json_agg((id, code) order by id) from padded
-- null object member
select json_build_object('id', p.id, 'rest', to_json(p)) from padded p where code is null
-- array of objects without rows
select json_agg(p) from padded p where id > 100
-- ordered
-- order by a member
select row_to_json(p) ->> 'id' as id from padded p order by id desc
-- count rows
select count(p), count(distinct p.code) from padded p
-- fields of a row
select (p).id, (p).code from padded p
-- rows that are null
select id, p is null, p is not null from padded p
