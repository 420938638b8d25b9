-- a call of the first rows by an order
select id, jsonb_build_object('i', i4, 't', t) from types order by id limit 3;
-- by what is not put out
select jsonb_build_object('i', i4, 'd', d) from types order by f8 desc nulls last, id limit 4;
-- by the name of an output
select id as k, to_jsonb(t) as j, n / 3 as q from types order by q, k limit 5;
-- by a place, with OFFSET
select i8, quote_literal(t) from types order by 1 desc, id limit 3 offset 2;
-- FETCH FIRST
select quote_literal(t) from types order by t desc, id fetch first 2 rows only;
-- WITH TIES
select to_jsonb(i4) from types order by b fetch first 2 rows with ties;
-- by infinite floats and NaN
select f8, to_jsonb(id) from types order by f8 desc, id limit 4;
-- by intervals and texts of blanks
select to_jsonb(id) from types order by iv, id limit 5;
-- by a call, another one put out
select quote_literal(t) from types order by jsonb_build_array(id)::text, id limit 3;
-- in WITH, and of its rows
with w as (select id, to_jsonb(t) j from types order by id desc limit 4) select j, to_jsonb(j) from w order by id limit 2;
-- in an arm of a union
(select to_jsonb(id) j from types order by id limit 2) union all (select to_jsonb(t) from types order by id desc limit 1) order by 1;
-- of a joined row
select a.id, jsonb_build_object('a', a.t, 'b', b.i4) from types a join types b on a.id = b.id order by b.id desc limit 3;
-- in LATERAL, of both sides
select a.id, s.j from types a, lateral (select to_jsonb(b.id + a.id) j from types b where b.id <= a.id order by b.id desc limit 1) s order by 1;
-- as a value
select id, (select quote_literal(b.t) from types b where b.id = a.id order by b.id limit 1) from types a order by id;
-- with a condition, and no limit for NULL
select to_jsonb(id) from types where i4 > 0 order by id limit null;
-- a limit of none
select to_jsonb(id) from types order by id limit 0;
-- the same value twice, of names in quotes
select to_jsonb(id) as "a b", to_jsonb(id) as "A b", id as "c0" from types order by id limit 2;
-- within a derived table
select j ->> 'i' from (select id, jsonb_build_object('i', i4) j from types order by id limit 3) s order by id;
