-- rollup
select n_regionkey, left(n_name, 1) as l, count(*) from nation group by rollup (n_regionkey, left(n_name, 1));
-- cube
select k, w, count(*) from pairs group by cube (k, w);
-- grouping sets
select k, w, count(*) from pairs group by grouping sets ((k, w), (k), ());
-- grouping sets with grouping
select k, w, grouping(k), grouping(w), grouping(k, w), count(*) from pairs group by grouping sets ((k, w), (k), (w), ());
-- rollup with grouping
select n_regionkey, grouping(n_regionkey), count(*) from nation group by rollup (n_regionkey);
-- cube with grouping
select k, w, grouping(k, w) as g, sum(q) from pairs where k < 4 group by cube (k, w);
-- grouping in having
select k, count(*) from pairs group by rollup (k) having grouping(k) = 1;
-- grouping in order by
-- ordered
select k, count(*) from pairs group by rollup (k) order by grouping(k), k;
-- grouping in case
-- ordered
select case when grouping(n_regionkey) = 1 then 'all' else n_regionkey::text end as r, count(*) from nation group by rollup (n_regionkey) order by 1;
-- plain key and rollup
select k, w, count(*) from pairs group by k, rollup (w);
-- two rollups
select k, w, count(*) from pairs group by rollup (k), rollup (w);
-- rollup and cube
select n_regionkey, left(n_name, 1), count(*) from nation where n_nationkey < 6 group by rollup (n_regionkey), cube (left(n_name, 1));
-- rollup of composite
select n_regionkey, n_nationkey, n_name, count(*) from nation where n_nationkey < 5 group by rollup (n_regionkey, (n_nationkey, n_name));
-- cube of composite
select n_regionkey, n_nationkey, n_name, count(*) from nation where n_nationkey < 4 group by cube ((n_regionkey, n_nationkey), n_name);
-- grouping sets within grouping sets
select k, w, count(*) from pairs group by grouping sets (rollup (k, w), cube (w));
-- grouping sets nested
select k, w, count(*) from pairs group by grouping sets ((k), grouping sets ((w), ()));
-- grouping sets with duplicates
select k, count(*) from pairs group by grouping sets ((k), (k));
-- group by distinct rollup
select k, w, count(*) from pairs group by distinct rollup (k, w), rollup (k);
-- group by all
select k, w, count(*) from pairs group by all rollup (k, w), rollup (k);
-- empty grouping set
select count(*), sum(k) from pairs group by ();
-- empty grouping set without rows
select count(*), sum(k) from pairs where k > 100 group by ();
-- grouping sets empty without rows
select k, count(*) from pairs where k > 100 group by grouping sets ((k), ());
-- rollup without rows
select k, count(*) from pairs where k > 100 group by rollup (k);
-- cube without rows
select k, w, count(*) from pairs where k > 100 group by cube (k, w);
-- rollup by position
select n_regionkey, count(*) from nation group by rollup (1);
-- rollup by alias
select n_regionkey + 1 as r, count(*) from nation group by rollup (r);
-- rollup of expression used twice
select n_regionkey % 2, n_regionkey % 2 + 1, count(*) from nation group by rollup (n_regionkey % 2);
-- grouping sets with distinct aggregates
select n_regionkey, count(distinct left(n_name, 1)), sum(distinct n_nationkey) from nation group by rollup (n_regionkey);
-- grouping sets with filter
select k, count(*) filter (where w is not null), sum(q) filter (where k > 1) from pairs group by rollup (k);
-- grouping sets with avg
select n_regionkey, avg(n_nationkey), stddev(n_nationkey) from nation group by rollup (n_regionkey);
-- grouping sets with ordered set
select n_regionkey, percentile_cont(0.5) within group (order by n_nationkey) from nation group by rollup (n_regionkey);
-- grouping sets with string_agg
select n_regionkey, string_agg(n_name, ',' order by n_name) from nation group by rollup (n_regionkey);
-- window over grouping sets
select n_regionkey, count(*), rank() over (order by count(*) desc, n_regionkey) from nation group by rollup (n_regionkey);
-- window over grouping
select n_regionkey, n_nationkey % 2, sum(n_nationkey), rank() over (partition by grouping(n_regionkey) order by sum(n_nationkey)) from nation group by rollup (n_regionkey, n_nationkey % 2);
-- rollup in subquery
select x.k, x.c from (select k, count(*) as c from pairs group by rollup (k)) x where x.k is null;
-- rollup over join
select r_name, n_name, count(*) from nation join region on r_regionkey = n_regionkey group by rollup (r_name, n_name) having count(*) > 1;
-- distinct over rollup
select distinct k from pairs group by rollup (k, w);
-- group by with null literal key
select k, null as x, count(*) from pairs group by k, x;
-- group by constant column
select 'a' as a, count(*) from pairs group by a;
-- group by boolean expression
select k > 2, count(*) from pairs group by k > 2;
-- group by primary key is enough
select n_nationkey, n_name, count(*) from nation join supplier on s_nationkey = n_nationkey group by n_nationkey;
-- group by case
select case when k > 2 then 'big' else 'small' end, count(*) from pairs group by case when k > 2 then 'big' else 'small' end;
-- group by expression of grouped
select (k + 1) * 2, count(*) from pairs group by k + 1;
-- group by subquery
select (select max(r_name) from region where r_regionkey = k), count(*) from pairs group by (select max(r_name) from region where r_regionkey = k);
-- group by correlated alias
select (select max(r_name) from region where r_regionkey = k) as r, count(*) from pairs group by r;
-- having without group by
select 1 as one from pairs having count(*) > 3;
-- having without group by false
select 1 as one from pairs having count(*) > 300;
-- having with subquery
select k, count(*) from pairs group by k having count(*) > (select min(k) from pairs);
-- having with exists
select k from pairs group by k having exists (select 1 from types where id = k);
-- aggregate in correlated outer
select r_name, (select count(n.n_name) from nation n where n.n_regionkey = r.r_regionkey) from region r group by r_name, r_regionkey;
-- group by nan
select q, count(*) from pairs group by q;
-- group by row value
select (k, w), count(*) from pairs group by (k, w);
-- group by two alike columns
select a.k, b.k, count(*) from pairs a, pairs b group by a.k, b.k;
-- aggregate filter with subquery
select count(*) filter (where k in (select r_regionkey from region)) from pairs;
-- aggregate order by
select array_agg(w order by k desc nulls last, w) from pairs;
-- aggregate order by using
select array_agg(k order by k using >) from pairs;
-- aggregate distinct order by
select array_agg(distinct k order by k desc) from pairs;
-- string_agg distinct
select string_agg(distinct w, '-' order by w) from pairs;
-- a key within a call is NULL in sets without it
select crc32(case when b then 'a'::bytea else '\x00'::bytea end), b, count(*) from types
group by cube (b, case when b then 'a'::bytea else '\x00'::bytea end);
-- a sum as key within a call
select to_char(i2 + 1, '9999'), jsonb_build_object('a', i2 + 1)::text, count(*) from types
where i2 < 1000 group by rollup (i2, i2 + 1);
-- a key that is a call within another
select crc32(y || 'x'), md5(y || 'x'), count(*) from types group by y || 'x';
-- a key that is a call within another in sets
select crc32(coalesce(y, 'x')), count(*) from types group by grouping sets ((coalesce(y, 'x')), (b));

-- cube of intervals
select iv, count(*) from types group by cube (iv, b);

-- sets of intervals that tell which key is missing
select iv, b, sum(i2), grouping(iv), grouping(iv, b) from types group by grouping sets ((iv), (b), ());

-- sets of jsonb
select j::jsonb, b, count(*), grouping(j::jsonb, b) from types group by grouping sets ((j::jsonb, b), (b), ());

-- rollup of intervals with having
select iv, count(*) from types group by rollup (iv) having grouping(iv) = 1 or iv > '1 day' order by iv nulls last;

-- rollup of computed intervals
select iv + '1 day' as x, count(*), min(id) from types group by rollup (iv + '1 day') order by 1;

-- sets of intervals and jsonb of a derived table
select iv, jj, count(*), jj ->> 'a' from (select iv, j::jsonb as jj from types) s group by grouping sets ((iv), (jj));

-- rollup of char(n)
select code, count(*) from padded group by rollup (code);

-- rollup of bpchar without a length
select code, count(*) from (select code::bpchar as code from padded) s group by rollup (code);

-- distinct rows of a rollup of intervals
select distinct iv, count(*) from types group by rollup (iv, iv);

-- text of an interval of a rollup
select case when grouping(iv) = 1 then 'all' else iv::text end, count(*) from types group by rollup (iv);
