-- json_object_agg_unique
select json_object_agg_unique(id, t order by id), json_object_agg_unique_strict(id, t order by id desc), jsonb_object_agg_unique(id::text, n), jsonb_object_agg_unique_strict(id, d) from types;
-- json_object_agg_unique by groups
-- ordered
select b, json_object_agg_unique(id, f8 order by id), jsonb_object_agg_unique(id, ts) filter (where id > 3) from types group by b order by b;
-- json_object_agg_unique over a frame
-- ordered
select id, jsonb_object_agg_unique(id, i4) over (order by id rows 1 preceding) from types order by id;
-- json_object_agg_unique of a key twice
-- error: 22030
select json_object_agg_unique(t, id) from types where t is not null;
-- jsonb_object_agg_unique of a key twice
-- error: 22030
select jsonb_object_agg_unique(t, id) from types where t is not null;
-- json_object_agg_unique of no key
-- error: 22004
select json_object_agg_unique(t, id) from types where id = 4;
-- json_object_agg_unique of no rows
select json_object_agg_unique(t, id), jsonb_object_agg_unique_strict(t, id), jsonb_object_agg(distinct t, id) from types where false;
-- json_object_agg_unique of nothing but null
select json_object_agg_unique_strict(id, t), jsonb_object_agg_unique_strict(id, t), json_object_agg_unique(id, t) from types where t is null;
-- json_objectagg with unique keys
select json_objectagg(id : t with unique keys returning jsonb), json_objectagg(t value id absent on null with unique keys) from types where id in (2, 3);
-- json_objectagg with a key twice
-- error: 22030
select json_objectagg(t : id with unique keys) from types where t is not null;
-- json_object_agg of distinct members
select json_object_agg(distinct b::text, i2), json_object_agg_strict(distinct b::text, n), jsonb_object_agg(distinct b::text, d), jsonb_object_agg_strict(distinct id, i4) from types where b is not null;
-- json_object_agg of distinct members by groups
-- ordered
select b, json_object_agg(distinct i2 % 2, f8) filter (where i2 is not null) from types group by b order by b;
-- json_object_agg of distinct members in order
-- refused: json_object_agg
select json_object_agg(distinct t, id order by t desc) from types where t is not null;
-- range_agg
select range_agg(int4range(i2, i2 + 2)), range_agg(int8range(i8, i8)), range_agg(numrange(n2, n2 + 1)) from types where id > 4 and n2 is not null;
-- range_agg of moments
select range_agg(daterange(d, d + 40)), range_agg(tsrange(ts, ts + interval '1 day')), range_agg(tstzrange(tz, null)) from types where d > '2000-01-01';
-- range_agg of multiranges
select range_agg(int4multirange(int4range(id, id + 2), int4range(id + 10, id + 11))), range_agg(distinct int4range(id, id + 1)), range_agg(int4range(id, id) order by id desc) from types;
-- range_agg by groups
-- ordered
select b, range_agg(int4range(id, id + 1)), range_agg(int4range(id, id + 1)) filter (where id > 6) from types group by b order by b;
-- range_agg over a frame
-- ordered
select id, range_agg(int4range(id, id + 1)) over (order by id rows between 2 preceding and 1 preceding) from types order by id;
-- range_agg of no rows and of NULL
select range_agg(int4range(id, id + 1)) filter (where false), range_agg(null::int4range), range_intersect_agg(null::daterange) from types;
-- range_intersect_agg
select range_intersect_agg(int4range(id, id + 20)), range_intersect_agg(int4multirange(int4range(id, 40))), range_intersect_agg(numrange(id, id + 1)) from types;
-- range_agg computed with
select upper(range_agg(int4range(i4, i4 + 2))) + 1, range_agg(int4range(id, id + 1)) @> 3 from types where i4 between -100 and 100 having count(*) > 1;
-- range_agg in a derived table
select id, r from types join (select b as bb, range_agg(int4range(id, id + 1)) as r from types group by b) x on bb = b where r @> 5;
-- bit_and and bit_or of bit strings
select bit_and(i4::bit(8)), bit_or(i4::bit(8)), bit_xor(i4::bit(8)), bit_xor(distinct (i4 % 4)::bit(8)) from types where i4 between 0 and 100;
-- bit_and of bit strings by groups
-- ordered
select b, bit_and(id::bit(4)), bit_or(id::bit(4)) filter (where id > 4), bit_and(id::bit(1)) from types group by b order by b;
-- bit_and of bit strings of no rows
select bit_and(id::bit(4)), bit_or(null::bit(3)) from types where false;
-- bit_and of bit strings of different lengths
-- error: 22026
select bit_and(case when id = 1 then b'1' else b'11' end) from types;
-- bit_or of varbit
select bit_or(('1' || id)::varbit), bit_and(case when id = 10 then '100'::varbit end), array_agg(id::bit(4)::varbit order by id) from types where id in (10, 11);
-- bit_or of varbit of different lengths
-- error: 22026
select bit_or(('1' || id)::varbit) from types where id in (1, 10, 11);

-- array of distinct floats with both zeros
select array_length(array_agg(distinct x), 1), array_agg(distinct abs(x) order by abs(x) desc) from (values (0.0::float8), (-0.0::float8), (2.5), (null)) v(x), pairs where k = 1;
-- array of distinct reals with both zeros
select array_length(array_agg(distinct x::real) filter (where x < 1), 1) from (values (0.0::float8), (-0.0::float8), (2.5)) v(x), pairs where k = 1;
