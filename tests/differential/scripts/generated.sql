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

-- an array constant of numerics with different digits
select '{1.5,2.25}'::numeric[] from types where id = 1;

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
