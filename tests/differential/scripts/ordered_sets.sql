-- percentile_cont
select percentile_cont(0.5) within group (order by n_nationkey) from nation;
-- percentile_cont of several
select percentile_cont(array[0, 0.25, 0.5, 1]) within group (order by i4) from types where i4 between -100 and 100;
-- percentile_cont descending
select percentile_cont(0.25) within group (order by n_nationkey desc) from nation;
-- percentile_cont with group
select n_regionkey, percentile_cont(0.3) within group (order by n_nationkey) from nation group by n_regionkey;
-- percentile_cont with filter
select percentile_cont(0.5) within group (order by n_nationkey) filter (where n_nationkey > 10) from nation;
-- percentile_cont of nothing
select percentile_cont(0.5) within group (order by k) from pairs where k > 100;
-- percentile_cont null fraction
select percentile_cont(null) within group (order by k) from pairs;
-- percentile_disc
select percentile_disc(0.5) within group (order by n_name) from nation;
-- percentile_disc of several
select percentile_disc(array[0.1, 0.5, 0.9]) within group (order by n_nationkey) from nation;
-- percentile_disc of several texts
select percentile_disc(array[0.1, 0.5, 0.9]) within group (order by n_name) from nation;
-- percentile_disc descending
select percentile_disc(0.1) within group (order by n_name desc) from nation;
-- percentile_disc with filter
select n_regionkey, percentile_disc(0.5) within group (order by n_name) filter (where n_nationkey > 5) from nation group by n_regionkey;
-- percentile_disc of dates
select percentile_disc(0.5) within group (order by d) from types;
-- mode
select mode() within group (order by n_regionkey) from nation where n_regionkey <> 0 or n_nationkey < 3;
-- mode of text
select mode() within group (order by t) from types;
-- mode with group
select k, mode() within group (order by w) from pairs group by k;
-- mode descending
select mode() within group (order by k desc) from pairs;
-- rank of a hypothetical row
select rank(3) within group (order by k) from pairs;
-- dense_rank of a hypothetical row
select dense_rank(3) within group (order by k) from pairs;
-- percent_rank of a hypothetical row
select percent_rank(3) within group (order by k) from pairs;
-- cume_dist of a hypothetical row
select cume_dist(3) within group (order by k) from pairs;
-- hypothetical rank descending with group
select n_regionkey, rank(10) within group (order by n_nationkey desc) from nation group by n_regionkey;
-- hypothetical rank of two
select rank(2, 'two') within group (order by k, w) from pairs;
-- median by two percentiles
select percentile_disc(0.5) within group (order by k), percentile_cont(0.5) within group (order by k) from pairs;
-- filter count
select count(*) filter (where k > 1), count(*) from pairs;
-- filter sum and avg
select sum(k) filter (where w like 't%'), avg(k) filter (where k > 1) from pairs;
-- filter array_agg ordered
select array_agg(w order by w) filter (where w is not null) from pairs;
-- filter min max with nothing left
select min(w) filter (where false), max(k) filter (where null) from pairs;
-- filter count distinct
select count(distinct k) filter (where k > 1) from pairs;
-- filter with group and having
select k, count(*) filter (where w > 'o') from pairs group by k having count(*) filter (where w is null) = 0;
-- filter bool
select bool_and(k > 0) filter (where k is not null), bool_or(k > 6) filter (where k < 6) from pairs;
-- aggregates of no rows
select count(*), count(k), sum(k), min(w), max(q), avg(k), array_agg(k), string_agg(w, ','), bool_and(k > 1) from pairs where false;
-- array_agg of arrays
select array_agg(array[k, k + 1] order by k) from pairs where k is not null;
-- array_agg with nulls
select array_agg(k order by k, w) from pairs;
-- array_agg distinct with nulls
select array_agg(distinct k) from pairs;
-- regr and corr
select corr(k, q), covar_pop(k, q), covar_samp(k, q) from pairs where q < 10;
-- bit aggregates
select bit_and(k), bit_or(k), bit_xor(k) from pairs;
-- any_value
select any_value(n_regionkey) from nation where n_regionkey = 2;
-- percentile of intervals
-- ordered
select b, percentile_cont(0.25) within group (order by iv desc), percentile_cont(array[0, 0.5, 1]) within group (order by iv), percentile_disc(0.7) within group (order by iv) from types group by b order by b;
-- percentile of no intervals
select percentile_cont(0.5) within group (order by iv) filter (where id > 100), percentile_disc(0.5) within group (order by iv) filter (where id > 100) from types;
-- percentile of differences of timestamps
select percentile_cont(0.5) within group (order by ts - timestamp '2000-01-01') from types where ts is not null;
-- mode of intervals
select mode() within group (order by iv) from types;
-- rank of rows of several columns
select rank(5, 'b') within group (order by i4, t), percent_rank(7, 5) within group (order by i8 desc, i2), cume_dist(3, 'x') within group (order by i4 desc nulls last, t), rank(1, 2, 3) within group (order by i2, i4, i8) filter (where id > 2) from types;
-- rank of rows of several columns by group
select b, rank(5, 'b') within group (order by i4 desc, t desc) from types group by b;

-- arrays of percentiles of no rows
select b, percentile_cont(array[0.25, 0.5]) within group (order by f8) filter (where f8 > 1e50),
  percentile_disc(array[0.1, 0.9]) within group (order by d) filter (where d > '2024-06-01') from types group by b;

-- an array of percentiles of no rows at all
select percentile_cont(array[0, 1]) within group (order by i4), percentile_disc(array[0.5]) within group (order by t)
  from types where id > 100;

-- percentiles downwards of zeros and NaN
select k % 2 as g, percentile_cont(0.5) within group (order by q * 0 desc),
  percentile_cont(array[0, 0.25, 0.5, 1]) within group (order by q desc) from pairs group by k % 2;

-- percentiles downwards
select percentile_cont(0.3) within group (order by f8 desc), percentile_cont(0.9) within group (order by i2 desc),
  percentile_cont(0.5) within group (order by 0 desc) from types where f8 < 1e9;
-- percentiles of jsonb
select b, percentile_disc(0.5) within group (order by j::jsonb desc), mode() within group (order by j::jsonb) from types group by b;

-- several percentiles of jsonb
select percentile_disc(array[0, 0.25, 1]) within group (order by j::jsonb) from types;

-- percentiles of jsonb with filter
select b, percentile_disc(0.5) within group (order by j::jsonb) filter (where id > 4) from types group by b;

-- a fraction that is none, of jsonb
-- error: 22003
select percentile_disc(1.5) within group (order by j::jsonb) from types;

-- modes of types that the engine does not count
select mode() within group (order by iv), mode() within group (order by u), mode() within group (order by tz), mode() within group (order by tm), mode() within group (order by b), mode() within group (order by y) from types;

-- mode downwards
select mode() within group (order by iv desc), mode() within group (order by int4range(i2, 40000)) from types;

-- ranks of NULL
select b, rank(b::int) within group (order by i4), rank(null) within group (order by i4 desc) from types group by b;

-- all ranks of NULL
select b, dense_rank(b::int) within group (order by i4 desc), percent_rank(b::int) within group (order by i4), cume_dist(b::int) within group (order by i4 desc) from types group by b;

-- ranks of rows with NULL
select b, rank(b::int, 3) within group (order by i4 desc nulls last, i2) from types group by b;
