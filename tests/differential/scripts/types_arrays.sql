-- array columns
select ai, at from types;

-- array constants
select array[1, 2, null], array['a', null, 'b c'], array[1.5, 2.5], '{}'::int[] from types where id = 1;

-- array of unknown
select array['1', '2']::int[], '{1,2}'::bigint[], '{"a b",NULL,"NULL"}'::text[] from types where id = 1;

-- array of dates
select array[d, '2024-01-01'], array[date '2024-01-01'] from types where id < 3;

-- array of many dimensions
select array[[1, 2], [3, 4]], '{{1,2},{3,4}}'::int[] from types where id = 1;

-- array of arrays of text
select array[['a', 'b'], ['c', null]] from types where id = 1;

-- subscript
select ai[1], ai[2], ai[10], at[1] from types;

-- slice
select ai[1:2], ai[2:], at[:1] from types;

-- subscript of two dimensions
select (array[[1, 2], [3, 4]])[2][1] from types where id = 1;

-- array equality
select id from types where ai = array[1, 2, 3] or ai = '{}';

-- array order
-- ordered
select id, ai from types where ai is not null order by ai, id;

-- array comparison
select id from types where ai > array[2];

-- array groups
select ai, count(*) from types group by ai;

-- array contains
select id from types where ai @> array[1] or ai <@ '{5,6}';

-- array overlap
select id from types where ai && array[3, 5];

-- array concatenation
select ai || 9, 0 || ai, ai || array[8, 9], ai || '{7}' from types;

-- any of array column
select id from types where 2 = any(ai);

-- all of array column
select id from types where 3 >= all(ai);

-- any with nulls
select id, 9 = any(ai), 1 = any(ai) from types;

-- any of array constant
select id from types where i4 = any(array[10, 7, null]);

-- not any
select id from types where not (i4 = any(array[10, 7]));

-- less than any
select id from types where i4 < any(array[5, 11]);

-- any of text array
select id from types where t = any(array['apple', 'x_y']);

-- any of date array
select id from types where d = any(array['2024-01-31', '2023-02-28']::date[]);

-- any of numeric array
select id from types where n = any('{1.5,10.00}'::numeric[]);

-- array length functions
select array_length(ai, 1), cardinality(ai), array_upper(ai, 1), array_lower(ai, 1) from types;

-- array functions
select array_append(ai, 4), array_prepend(0, ai), array_cat(ai, ai), array_remove(ai, 5) from types;

-- array position
select array_position(ai, 2), array_to_string(at, ','), array_to_string(ai, '-', '*') from types;

-- unnest
select id, unnest(ai) from types;

-- unnest in from
select id, x from types, unnest(ai) as x;

-- array aggregate
select array_agg(id order by id), array_agg(t order by id) from types where id < 5;

-- array of subquery
select array(select id from types where id < 4 order by id) from types where id = 1;

-- array cast
select ai::bigint[], ai::text[], at::varchar[] from types;

-- array cast of elements
select '{1,2}'::int[]::numeric[], array[1.5, 2.5]::int[] from types where id = 1;

-- array as text
select ai::text, at::text from types;

-- array null elements
select array[null::int], array_length('{}'::int[], 1), '{NULL}'::int[] from types where id = 1;

-- empty array compared
select id from types where ai <> '{}';

-- array distinct
select distinct ai from types;

-- array of booleans
select array[b, true], '{t,f}'::bool[] from types where id < 4;

-- array of timestamps
-- time zone: Europe/Berlin
select array[ts], array[tz] from types where id < 3;

-- array of floats
select array[f8, 0.5], array[f4] from types where id < 4;

-- array of intervals
select array[iv] from types where id < 4;

-- array of uuids
select array[u] from types where id < 3;

-- bad array constant
-- error: 22P02
select '{1,x}'::int[] from types;

-- array of mixed types
-- error: 22P02
select array[1, 'a'] from types;

-- coalesce of arrays
select coalesce(ai, '{0}'), coalesce(at, array['none']) from types;
-- an array constant beside an array of arrays
select b, array_agg(ai) || '{{7,8}}', array_agg(ai) || '{7,8}' from types where cardinality(ai) = 2 group by b;
-- an array beside an array of arrays that may be NULL
-- refused: an array beside array_agg of arrays, which may be NULL
select array_agg(ai) filter (where false) || '{7}' from types;

-- arrays of several dimensions beside others
-- refused: an array of several dimensions beside another
select at < array_agg(array['b', 'a']) from types group by at;
-- a constant beside arrays of several dimensions
-- refused: an array of several dimensions beside another
select '{a,b}'::text[] not between array_agg(at) and array_agg(at) from types where id = 1;
-- arrays of several dimensions in CASE
-- refused: an array of several dimensions beside another
select case when min(id) = 1 then array_agg(array['b', 'a']) else at end from types group by at;
-- arrays of several dimensions alike
select array_agg(array['b', t]) < array_agg(array['b', 'a']), '{{a,b}}'::text[] < array_agg(array['b', t]), case when min(id) = 1 then array_agg(array['b']) else array_agg(array['c']) end from types where id = 1;
-- constants of timestamptz arrays far away
select '{infinity,2500-01-01,NULL,1500-01-01 12:00}'::timestamptz[], ('{2999-12-31 23:59:59.999999+02}'::timestamptz[])[1], '{}'::timestamptz[],
  '{{2024-01-01},{9999-12-31}}'::timestamptz[], array_length('{2500-01-01}'::timestamptz[], 1), tz = any ('{2024-02-29,infinity}'::timestamptz[]) from types;
