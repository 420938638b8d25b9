-- constructors
select array[1, 2, 3], array['a', 'b'], array[1.5, 2.5], array[]::int[], array[null, 1], array[true, false];
-- subscripts
select id, ai[1], ai[2], ai[0], ai[10], at[1], ai[id] from types;
-- slices
select id, ai[1:2], ai[2:3], ai[2:], ai[:1], ai[5:2] from types;
-- lengths
select id, array_length(ai, 1), cardinality(ai), array_upper(ai, 1), array_lower(ai, 1), array_length(array[]::int[], 1) from types;
-- any of an array
select id from types where 2 = any(ai);
-- any of a constant array
select id from types where id = any(array[1, 3, 99]) or i4 = any('{7,5}');
-- all of an array
select id, 3 <> all(ai), 5 = all(ai), 2 < any(ai) from types;
-- containment
select id, ai @> array[2], ai <@ array[1, 2, 3], ai && array[5, 7], at @> array['a'], ai @> '{1}' from types where id <> 5;
-- concatenation
select id, ai || 9, 0 || ai, ai || ai, ai || array[7, 8], at || 'z'::text from types;
-- functions
select id, array_append(ai, 4), array_prepend(0, ai), array_cat(ai, ai), array_remove(ai, 2), array_replace(ai, 1, 100), array_position(ai, 3) from types;
-- to text and back
select id, array_to_string(ai, ','), array_to_string(at, '-', '*'), string_to_array(v, ',') from types;
-- equality
select id from types where ai = array[1, 2, 3] or at = '{c}';
-- unnest in the select list
select id, unnest(ai) from types;
-- unnest in from
select u from unnest(array[1, 2, 3]) u;
-- unnest with a column name
select x * 2 from unnest(array[1, 2, null]) as u(x);
-- unnest with ordinality
select x, place from unnest(array['a', 'b', 'c']) with ordinality as u(x, place);
-- unnest of a column
select t.id, u.x from types t, unnest(t.ai) as u(x);
-- unnest of a column by lateral
select t.id, u.x from types t cross join lateral unnest(t.at) as u(x) where u.x > 'a';
-- unnest of a column with ordinality
select t.id, u.x, u.n from types t cross join unnest(t.ai) with ordinality as u(x, n);
-- unnest and aggregate
select t.id, sum(u.x), count(*) from types t, unnest(t.ai) u(x) group by t.id;
-- generate_series in from
select g from generate_series(1, 5) g;
-- generate_series with a step
select x from generate_series(10, 1, -3) as s(x);
-- generate_series of dates
select d from generate_series(date '2024-01-30', date '2024-02-02', interval '1 day') as s(d);
-- generate_series of timestamps
select x from generate_series(timestamp '2024-01-01', timestamp '2024-01-02', '6 hours') as s(x);
-- generate_series in the select list
select generate_series(1, 3);
-- generate_series of a column
select t.id, g from types t, generate_series(1, t.id) g where t.id < 4;
-- generate_series joined
select g.n, count(o_orderkey) from generate_series(1992, 1999) as g(n) left join orders on extract(year from o_orderdate) = g.n group by g.n;
-- calendar
select m::date, count(o_orderkey) from generate_series(timestamp '1992-01-01', timestamp '1992-06-01', interval '1 month') as g(m) left join orders on date_trunc('month', o_orderdate::timestamp) = m group by m;
-- arrays of an aggregate
select b, (array_agg(id order by id))[1], array_length(array_agg(id), 1) from types group by b;
-- json as a value
select id, j from types;
-- json operators
select j -> 'a' from types;
-- json text operator
select j ->> 'a' from types;
-- jsonb containment
select j::jsonb @> '{"a": 1}'::jsonb from types;
-- a function that is not there
-- refused: function pg_column_size
select pg_column_size(id) from types;

-- array_cat of a constant
select array_cat(at, '{z}'), array_cat('{q}', at), array_cat(ai, ai) from types;

-- array_agg of distinct values in several orders
select array_agg(i4 order by i4 desc), array_agg(distinct i4), array_agg(distinct i4 order by i4 desc nulls last), array_agg(distinct i4 order by i4 nulls first) filter (where id > 4) from types;
-- array_agg of distinct values of many types
select array_agg(distinct f8 order by f8 desc), array_agg(distinct n), array_agg(distinct b), array_agg(distinct d order by d desc), array_agg(distinct tz), array_agg(distinct tm), array_agg(distinct u), array_agg(distinct y) from types;
-- elements of array_agg of distinct values
select b, (array_agg(distinct t))[2], cardinality(array_agg(distinct i4)), array_to_string(array_agg(distinct i4 order by i4 desc), ',') from types group by b;
-- array_agg of distinct values of no rows
select array_agg(distinct i4), array_agg(distinct i4) filter (where id > 99) from types where id > 50;

-- arrays of moments before 1677
select id, array[tz, tz - interval '1900 years'], array[ts, ts - interval '1000 years'], (array[tz - interval '700 years'])[1] from types where id <> 4;
-- numerics of other digits beside those of an array
select (array_append('{1.5,2.25}'::numeric[], '0.00001'::numeric))[3] a, (array_cat(array[1.5], array[0.0001]))[2] b, (array_append(array[1.5], 0.00001))[2] c, (array[1.5] || array[1.234567])[2] d from types;
-- numerics beside an array that PostgreSQL computes
select n || array_sort('{1.5,2.25}'::numeric[] || '0.00001'::numeric) from types;
-- sums of numerics of other digits in arrays
select (select sum(x) from unnest(n || array[0.00001, n2]) x) from types;

-- arrays of two tables that are not distinct
select a.id, a.ai is not distinct from b.ai, not (a.at is not distinct from b.at), a.ai is distinct from b.ai
  from types a left join types b on b.id = a.id + 1 and b.id <> 7;

-- the others
select a.id, b.id from types a join types b on b.id in (a.id, a.id + 1) where not (a.ai is not distinct from b.ai);

-- elements of texts compared, over no rows
select w < all (array[w, 'b']), w >= any (array[w]), w <> any (array[w, 'x']), w = all (array[w]) from (select k, w from pairs) p
  where exists (select 1 from types where id > 1000);
-- elements of texts compared
select t, v, t < all (array[v, t]), t <= all (array[v, t]), t > any (array[v, t]), t >= any (array[v, t, null]), t <> any (array[v, t]), t = all (array[t, t]), t = all (array[v, null]),
  t <> any (array[null, t]), v > all ('{}'::text[]), v < any (null::text[]) from types;
-- truth values compared with all elements
select b < all (array[b, true]), b >= any (array[b, null]), b <> any (array[true, false]) from types;

-- numerics before an array of another CASE
select 0::numeric || case when b then '{}'::numeric[] else array_sort('{1.5,2.25}'::numeric[]) end from types;
-- arrays in orders where NULL does not stand as usual
-- ordered
select id from types order by ai nulls first, id;
-- arrays downwards where NULL does not stand as usual
-- ordered
select id, rank() over (order by ai desc nulls last) from types order by ai desc nulls last, id;

-- dates of arrays as text
select array_to_string(array[d, null, d - 800000, d + 3000000], ', ', '-'), array_to_string('{2024-01-31,infinity}'::date[], t) from types;
-- arrays of numerics that are texts, and others
select coalesce(array_reverse('{1.5,2.25}'::numeric[]), '{}'::numeric[]), coalesce(array_reverse(array[n]), '{1.50}'::numeric[]) from types;
-- arrays of files joined with each other, beside others
select coalesce(at, at || at), coalesce(ai, ai || ai), case when b then at || at else at end, coalesce(at, array_cat(at, at)) from types;

-- a comparison with no elements keeps its aggregate
select (var_pop('0'::numeric) != all ('{}'::numeric[])) from types cross join (values (1), (2)) v(x);
-- a comparison with no elements keeps its window
select id, row_number() over (order by id) = any ('{}'::bigint[]) as b from types order by id;
-- a comparison with no elements keeps what it counts
select count(*) = any ('{}'::bigint[]), max(i4) <> all ('{}'::int[]), sum(i4) < all ('{}'::bigint[]) from types;
-- a comparison with no elements keeps its sums by groups
select b, sum(i4) <> all ('{}'::bigint[]) from types group by b;
-- a column compared with no elements
select i4 = any ('{}'::int[]), i4 <> all ('{}'::int[]), t = any ('{}'::text[]) from types;
