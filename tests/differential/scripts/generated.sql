-- xor of a value with itself is null where it is
select i2 # i2, i4 # i4, (i4 # 5) # i4 from types;

-- not in of rows that depend on the outer row
select id from types t where t.d not in (select d from types u where u.t < t.t);

-- not in of no rows at all
select id from types t where t.t not in (select u.w from pairs u where u.k > t.id + 100);

-- not in beside a condition
select id from types t where t.i4 > 0 and t.i4 not in (select u.k from pairs u where u.k <> t.id);

-- not of any
select id from types t where not (t.i4 = any (select u.k from pairs u where u.k < t.id));

-- all differ
select id from types t where t.i4 <> all (select u.k from pairs u where u.q > t.id);

-- an array constant of numerics
select '{1.5,2.25}'::numeric(6,2)[], '{1.50,NULL,2.25}'::numeric[], '{}'::numeric[], '{7,8}'::numeric[] from types where id = 1;

-- numerics compared with an array constant
select id, n > all ('{1.5,0.2}'::numeric[]), n = any ('{1.50,2.50}'::numeric[]) from types;

-- numerics of different digits in an array constant
select id from types where n = any ('{1.5,2.25,-2.2500}'::numeric[]);

-- arrays with null are sorted behind all values
select id, ai < '{1,NULL}', ai > '{NULL,5}'::int4[], ai <= array[1, null, 2] from types;

-- arrays in order
select id from types where ai > '{1,2}' and ai <= '{5,NULL}';

-- rows with json are compared
select id from types where (id, '{}'::jsonb) > (id, '{"a": 1}'::jsonb);

-- bpchar without a length keeps its blanks
select 'ab  '::bpchar from types;

-- bpchar without a length
select 'ab'::bpchar, code::bpchar || '|' from padded;

-- infinite moments go from type to type
select ('-infinity'::timestamptz)::timestamp, ('infinity'::timestamp)::timestamptz, ('infinity'::date)::timestamp from types
  where id = 1;

-- infinite moments and intervals
select 'infinity'::timestamptz - interval '1 day', ('-infinity'::timestamptz - interval '1 day')::date, 'infinity'::date + 1 from types
  where id = 1;

-- a zone of an infinite moment
select 'infinity'::timestamptz at time zone 'America/New_York', coalesce(d, 'infinity')::timestamp from types;

-- correlated aggregates of nothing outer but a moment
select id, (select max(1) from types u where u.tz >= t.tz), (select count(*) from types u where u.ts < t.ts) from types t;

-- the first part is number one
-- error: 22023
select split_part(t, ' ', id - 1) from types;

-- the year has twelve months
-- error: 22008
select make_date(2024, id + 5, 1) from types;

-- case of intervals by their length
select case iv when interval '24:00' then 'a day' when interval '30 days' then 'a month' else 'other' end from types;

-- case of padded text
select case code when 'ab' then 1 when 'x  ' then 2 end from padded;

-- a long text
-- error: 54000
select repeat(t, 2000000000) from types where id = 1;

-- a long text by its row
-- error: 54000
select lpad(t, i4) from types where id = 5;

-- a long text on the right
-- error: 54000
select rpad('x', i4, 'ab') from types;

-- lengths of texts by row
select lpad(t, i2), rpad(t, id, 'ab'), repeat(t, id), repeat(t, -id) from types where id in (1, 7, 8, 9, 10);

-- lists of floats and truths
select array_reverse(array[f8, 1.5::float8]), array_reverse(array[b, true]) from types;

-- a pattern that matches nothing splits between characters
select regexp_split_to_array(t, ''), regexp_split_to_array(v, 'x*'), regexp_split_to_array(v, ','), regexp_split_to_array(t, '\s+') from types;

-- the longest of alternatives
select regexp_replace(v, 'o|one|on', '-'), regexp_match(v, 'a|ab|a,b'), regexp_count(t, 'p|pp|app'), regexp_substr(t, 'a|app|ap'),
  substring(v from 'a|a,b'), regexp_replace(t, 'a.*?p', '<\&>') from types;

-- a place to begin at in an array
select array_position(ai, 5, 2), array_position('{2024-01-31,NULL}'::date[], d, 2), array_position(ai, 2) from types;

-- a key of distinct on that is there twice
-- ordered
select distinct on (b) b, id from types where id > 20 order by b, id, b;

-- union of intervals
-- differs: which of equal ones is shown
select interval '1 day' as iv from types union select interval '24:00' from types;

-- except of intervals
select id, iv from types except all select id, interval '24:00' from types;

-- recursion over intervals
-- refused: in WITH RECURSIVE
with recursive r as (select interval '1 day' as iv from types union select interval '24:00' from r) select * from r;

-- union all of intervals
select iv from types union all select interval '24:00' from types;

-- intervals in a query
select id from types where iv in (select interval '24:00' from pairs);

-- distinct intervals are counted by length
select count(distinct iv), count(distinct case when id < 4 then interval '1 day' else interval '24:00' end) from types;

-- distinct intervals as an array
-- refused: an aggregate of distinct intervals
select array_agg(distinct iv) from types;

-- partitions of intervals
select id, rank() over (partition by case when id < 4 then interval '1 day' else interval '24:00' end order by id) from types;

-- arrays of intervals
select array[interval '1 day'] = array[interval '24:00'], interval '1 day' = any (array[interval '24:00', iv]) from types;

-- the most frequent interval
select mode() within group (order by iv) from types;

-- seconds since 1970
select to_timestamp(f8 / 1e3), to_timestamp(i8 / 7e9), to_timestamp(0.1), to_timestamp(-1.0000005) from types where abs(f8) < 1e12;

-- infinite seconds since 1970
select k, to_timestamp(q) from pairs where k <> 5;

-- seconds that no timestamp has
-- error: 22008
select to_timestamp(f8) from types;

-- a deviation as a float
select stddev_pop(i8)::float8, stddev(n)::text, stddev_samp(i4) + 0.5 from types where id > 6;

-- json constants become jsonb
select ('[1,2]'::json)::jsonb, cast(json '{"b":1,"a":2,"a":3}' as jsonb) from types where id = 1;

-- times of day in all places
-- ordered
select id, coalesce(tm, time '00:00'), case when b then tm else time '12:00' end, nullif(tm, '06:00'), greatest(tm, time '03:00') from types order by tm, id;

-- times of day in sets
select tm from types union select time '06:00' from pairs;

-- times of day in a query
select id from types where tm in (select time '06:00' from pairs) or tm = any (array[time '12:00']);

-- times of day are joined and grouped
select a.tm, count(*) from types a join types b on a.tm = b.tm and b.tm > '02:00' group by a.tm;

-- windows over times and bytes
-- ordered
select id, rank() over (order by tm), count(*) over (order by y desc, id), sum(id) over (partition by b order by tm desc), percent_rank() over (order by y),
  max(id) over (order by tm range between current row and unbounded following) from types order by id;

-- all equal elements are replaced
select array_replace(ai, 5, 0), array_replace(array[id, 1, 1], 1, 7), array_replace(at, 'a', null) from types;

-- a part before the first character
-- error: 22011
select overlay(t placing 'x' from i2) from types;

-- arrays of files beside others
select case when id > 3 then at else at || at end, coalesce(ai, array[id]), case when b then ai else ai || 7 end from types;

-- the absolute value by its operator
select @ i2::int, @ i2::int + 1, (@ n) * 2, @ -5.5, @ -3::int8, abs(@ f8) from types where @ n > 1 and @ n < 100;

-- an operator that stands between no values
-- error: 42601
select id from types@v0;

-- a constant that is not in a query with nulls
select id from types where 7000 not in (select i4 from types);

-- a constant that is not in a query without rows
select id from types where (null not in (select i4 from types where false)) and 1 + 1 not in (select id + 100 from types) and 5 <> all (select k + 1000 from pairs where k = i4);

-- truth in a joined array
select array_to_string('{t,f,NULL}'::bool[], v), array_to_string(array[b, null], '-', '?') from types;

-- exclusive or of different numbers by grouping sets
select i4, b, bit_xor(distinct i2), bit_xor(distinct i2) filter (where id > 3) from types group by grouping sets ((i4, b), (b), ());

-- arrays of moments and numbers that postgresql makes
select coalesce(array_sort(array[d, '2020-01-01'])), coalesce(array_sort(array[ts, '2024-01-31']), array[ts]), array_positions(array[n, 1.5], n), array_sort(array[f8, 0, 'NaN', '-0']), array_reverse(array[iv, '1 day']),
  coalesce(array_sort('{2024-01-31,NULL,infinity,0001-01-01 BC}'::date[])), array_ndims(array[tm]), array_sort(array[f4, 1e30]) from types;

-- intervals that are too long
-- error: 22008
select iv * 1e300 from types where id = 1;

-- intervals times what is no number
-- error: 22008
select iv * q from pairs join types on id = 1;

-- intervals in parts
select iv / 3, iv / 0.7, iv / 49, (id || ' mon')::interval / id, '7 mon'::interval / f8 from types where f8 <> 0 and abs(f8) > 1e-5;

-- intervals by nothing
-- error: 22012
select iv / 0 from types where id = 1;

-- roots of numerics
select sqrt(n), sqrt(n2 * 10000), sqrt(0::numeric), sqrt(0.00002), sqrt(n * n2) from types where n >= 0 and n2 >= 0;

-- a root of less than nothing
-- error: 2201F
select sqrt(n2) from types;

-- digits of what is computed of quotients
select n2 / 7 * 2, n2 / 7 + n2 / 3, 1.0 / 3 * 3, sum(n2) over (order by id) / 7 * 7 from types where id in (1, 2, 3, 8);

-- a constant beyond double precision
-- error: 22003
select 1e400::float8 from types;

-- a constant beyond double precision in a comparison
-- error: 22003
select id from types where f8 < 1e400;

-- a constant beyond real
-- error: 22003
select cast(1e39 as real) from types;

-- a constant below double precision
-- error: 22003
select 1e-400::float8 from types;

-- floats at their ends
select 1e300::float8, 1e-300::float8, 0e0::float8, 1e38::real, f8 < 1e308 from types;

-- subscripts of what is put together
-- ordered
select id, (ai || 7)[1], (7 || ai)[2], ('{}'::text[] || at)[2], (at || at)[3], (ai || 7)[0], (ai || 7)[-1], (ai || ai)[id], (ai || 7)[1 + 1], (ai || 7)[2::int],
  (ai || 7)[1:2], (case when b then ai else ai || 1 end)[1], (coalesce(ai, array[9]))[1], (array[id, 5])[2], (string_to_array(v, ','))[1] from types order by id;

-- characters by number
select id, chr(id + 64), chr(nullif(i2, i2)), chr(8364) from types;

-- a character of no number
-- error: 54000
select chr(i2) from types where id = 3;

-- a character of a negative number
-- error: 22023
select v between quote_literal(null::bool) and chr(-1) from types;

-- a character beyond all
-- error: 54000
select chr(1114112) from types;

-- half a character
-- error: 54000
select chr(55296) from types;

-- groups that a match leaves out
select regexp_match(t, '(a)(b)?'), substring(t from '(b)?a'), regexp_match(v, '(o)(n)*(e){0,1}'), regexp_match(t, '(.)(.)') from types;

-- options of a regular expression
select regexp_like(t, 'APP', 'i'), regexp_like(t, '^b.A', 'in'), t ~* 'BAN' from types;

-- no options of a regular expression
-- error: 22023
select regexp_like(t, 'a', '12') from types;

-- a join on NULL with an aggregate of all rows
select 0 from types t join (select max(id) as m from types) s on null::bool;

-- a join on NULL with grouping sets
select 0 from types t join (select i2 from types group by rollup (i2)) s on s.i2 is null and null::bool;

-- an outer join on false that becomes an inner one
select 1 from (select count(id) from types) s left join (select true as c from types) u on false where u.c;

-- a count below a condition on nothing
select * from (select count(*) as n from types) s where 1 = 0;

-- a count beside an outer join on false
select t.id, s.n from types t left join (select count(*) as n from types) s on false;

-- having alone
select 'a' from types having true;

-- having alone, of no rows
select 'a', 2 from types where false having 1 < 2;

-- having alone, which is false
select 'a' from types having 1 > 2;

-- having alone below a condition
select * from (select 'a' as b from types where false having true) s where b = 'c';

-- blanks of bpchar in rows
select id from types where ('ab  '::bpchar, n) > ('ab  ', '0') or ('ab  '::bpchar, id) <> ('ab'::bpchar, id);

-- blanks of char in expressions
select coalesce(code, 'x  ') = 'x', case when id > 2 then code else 'b  ' end = 'b', nullif(code, 'ab   ') from padded;

-- like as a function
select like(t, 'a%'), like('a%', t), not like(t, 'a%'), t like ('a%'), t not like ('a%') from types where like(t, '%a%') or true;

-- an interval with two signs negated
select - '-1 day 02:00'::interval, - interval '1 mon -3 days', extract(day from - '-1 day 02:00'::interval) from types;

-- no sine of infinity
-- error: 22003
select sin(f8 / 0.5 + 'infinity'::float8) from types;

-- no cotangent of infinity
-- error: 22003
select cot('-infinity'::float8 + f8) from types;

-- no angle with a sine of two
-- error: 22003
select asin(f8) from types where f8 = 2.5;

-- angles
select sin(f8), cos(f4), tan(i4), asin(1.0 / id), acos(-1.0 / id), sin('nan'::float8), acos('nan'::float8) from types where id in (1, 2, 7, 11);

-- an array of arrays
-- refused: more than one dimension
select (array_agg(ai))[1], (array_agg(ai order by id))[1] from types where id = 1;

-- a float of many digits as numeric
-- refused: more than 48 digits
select f8::numeric from types where f8 = 1e100;

-- a real as numeric
select f4::numeric, cast(1.1::float4 as numeric), (f4 + 0.1::float4)::numeric from types where f4 < 1e20;

-- arrays of numerics
select array[1.5, 2.5]::numeric[], array[n, n]::numeric[], ai::numeric[], array[i4, 3]::numeric[] from types where id < 3;

-- having on constants
select max(id) from types where false having max(id) is null and null::bool;

-- having of grouping sets on constants
select grouping(i2), max(id) from types group by rollup (i2) having null::bool;

-- arithmetic with a column of a lateral query
select (s.c + 100) - (t.id / t.id) as c, s.c - 1 from types t left join lateral (select v.z as c from (values (1, '2024-01-31'::date)) v(k, z)) s on true;

-- an aggregate below a condition of a query of its own
with w as (select stddev(i2) as c from types) select 1 from w where greatest(not exists (select 1 from types));

-- an aggregate below a condition on the rows of another
with w as (select max(i2) as c from types) select c from w where (select count(*) from types) = 3 or 3 in (select count(*) from types);

-- a constant and all of a query
select id from types where '2024-10-27 01:30+00'::timestamptz > all (select '2024-01-31 10:30+00'::timestamptz from types where false)
  and 1 + id >= any (select 3::bigint from types) and date '2024-01-01' + 1 <> all (select d from types where d is not null);

-- an array of the value of a query and another
select array[(select min(d) from types), d], array[(select 1)], array[(select 1), (select 2)], array[(select 1 where false)], array(select 1 where false) from types order by id;

-- the sign of what is no number
select sign('NaN'::float8)::int8, sign(f8), sign(n), sign(i4), sign('-infinity'::float8) from types;

-- having on a constant and a filtered aggregate
select max(id) from types having 1 < 2 and bool_or(b) filter (where id > 1);

-- having on a constant and a filtered aggregate, of no rows
select 1 from types where false having null::bool and bool_or(b) filter (where id > 1);

-- a null among the constants that one group is compared with
select 1 from types having max(d) >= all ('{2020-01-01,NULL}');

-- a null among the constants that groups are compared with
select i2 from types group by rollup (i2) having max(d) >= all ('{2020-01-01,NULL}');

-- a null among the constants beside a query
select 1 from types having max(id) in (select 12) and max(i4) >= any ('{NULL,3}');

-- a null among the constants of all and any
select id, i4 >= all ('{1,NULL}'), i4 > any ('{1,NULL}'), i4 = any ('{7,NULL}'), i4 <> all ('{7,NULL}'), i4 <> any ('{7,NULL}'),
  i4 = all ('{7,NULL}'), i4 > all (ai), i4 < any (ai), i4 > all ('{}'), i4 = any (null::int[]) from types;

-- a pattern that matches nothing behind a match is counted there
select ai || regexp_count(t, '.*'), regexp_count(t, 'a*'), regexp_count(t, '(an){0,2}'), regexp_count(t, '[a-n]*p?'), regexp_count(t, '(?:a)?') from types;

-- patterns that match some text are counted
select regexp_count(t, 'a{1,2}'), regexp_count(t, '[a-n]+'), regexp_count(t, '(a(p*))'), regexp_count(t, '\ma'), regexp_count(t, 'a$') from types;

-- a pattern of a column is counted
select regexp_count(t, v), regexp_count(v, '[]a]*'), regexp_count(v, '\(?,') from types;

-- a pattern that matches nothing behind a match is replaced there
select regexp_replace(t, 'a*', 'X', 'g'), regexp_replace(v, '.*', '<\&>', 'g'), regexp_replace(v, ',?', 'X', 'gi'), regexp_replace(t, '(a)(p*)', '\2\1', 'g'),
  regexp_replace(t, '$', 'X', 'g'), regexp_replace(t, v, 'X', 'g'), regexp_replace(t, 'a*', 'X') from types;

-- fields of infinite moments
select extract(year from 'infinity'::timestamp), extract(isoyear from '-infinity'::date), extract(decade from 'infinity'::date),
  extract(century from '-infinity'::timestamptz), extract(millennium from 'infinity'::timestamp), extract(julian from 'infinity'::date),
  extract(epoch from '-infinity'::timestamptz), date_part('epoch', '-infinity'::date) from types where id = 1;

-- fields that infinite moments have not
select extract(month from 'infinity'::timestamp), extract(day from '-infinity'::date), extract(hour from 'infinity'::timestamptz),
  extract(second from '-infinity'::timestamp), extract(quarter from 'infinity'::date), extract(week from 'infinity'::date),
  extract(dow from 'infinity'::timestamp), extract(doy from 'infinity'::timestamp) from types where id = 1;

-- fields of moments that may be infinite
select id, extract(year from coalesce(ts, 'infinity')), extract(epoch from case when id = 1 then '-infinity'::timestamptz else tz end) from types;

-- infinite moments are cut and written
select date_trunc('year', 'infinity'::timestamp), date_trunc('day', '-infinity'::timestamptz), date_trunc('week', 'infinity'::date),
  to_char('infinity'::timestamp, 'YYYY'), to_char(coalesce(d, '-infinity'), 'DD') from types;

-- the age of an infinite moment
-- differs: intervals of the lake are finite, so it is an error
select age(ts, 'infinity'::timestamp), age('-infinity'::timestamptz, tz) from types;

-- null among no elements
select id, i4 = any (ai), i4 <> all (ai), null::int = any (ai), null::int < all (ai), t = any (at) from types;

-- null elements are equal to none
select id, ai @> ai, ai <@ ai, ai && ai, ai @> array[null::int], array[null, 1] && ai, ai @> '{}' from types;

-- null elements in a constant of a group
select '{t,f,NULL}'::bool[] @> '{t,f,NULL}'::bool[] as c from types group by b;

-- elements that are equal and written otherwise
select id, array_replace('{1.5,-0,NaN}'::float8[], '0'::float8, f8), array_position('{1.5,-0}'::float8[], 0),
  '{-0}'::float8[] @> '{0}', '{-0,NaN}'::float8[] && array[f8] from types;

-- an infinite moment of a subquery and its fields
select extract(year from x), extract(month from x) from (select 'infinity'::timestamp as x, id from types) s;

-- an infinite moment beside others
select x, date_trunc('month', x), x + interval '1 day', x::date, x::timestamptz, to_char(x, 'YYYY')
  from (select '-infinity'::timestamp as x union all select ts from types) s;

-- an infinite date beside others
select x - 1, x + 1, x::timestamp from (select '-infinity'::date as x union all select d from types) s;

-- make_date before christ
select make_date(2024, 2, 29), make_date(-44, 3, 15), make_date(1900 + id, 12, 1), make_date(null, 1, 1) from types;

-- make_date of columns
select make_date(i4, id, id) from types where i4 between 1 and 9999;

-- make_date of the year 0
-- error: 22008
select make_date(0, 1, 23) from types;

-- make_date of no leap year
-- error: 22008
select make_date(2023, 2, 29) from types;

-- make_date of a wrong month
-- error: 22008
select make_date(-5, 13, 1) from types;

-- make_date beyond the calendar
-- error: 22008
select make_date(99999999, 1, 1) from types;

-- a pattern in a column
select id, t ~ v, t ~* v from types where v !~ '[\[(*+?]';
