-- literal interval beside timestamps
select ts + '1 day', tz + '1 hour', ts - '2024-01-01', '1 day' + ts from types;

-- numbers against text columns are refused
-- error: 42883
select id from types where t = 1;

-- literal before date column
select id from types where '2024-01-01' < d;

-- literal before timestamp column
select id from types where '2024-01-01 12:00' <= ts;

-- literal and integer
select id from types where i4 = '10' or '7' = i4;

-- literal plus integer
select '5' + 1, 1 + '5', '10' - id, '3' * id from types where id < 3;

-- literal and numeric
select id from types where n = '1.50' or n2 > '5';

-- literal and float
select id from types where f8 = '0.1' or f8 > '1e10';

-- literal and boolean
select id from types where b = 'yes' or b = 'f';

-- literal and uuid
select id from types where u = '00000000-0000-0000-0000-000000000001';

-- literal and uuid in capitals
select id from types where u = '{0000000000000000000000000000000A}';

-- literal and bytea
select id from types where y = '\x616263' or y = 'yy';

-- literal and interval
select iv + '1 day' from types;

-- literal and time
select id from types where tm > '12:00';

-- literal in list of dates
select id from types where d in ('2024-01-31', '2023-02-28');

-- literals between
select id from types where i4 between '1' and '10';

-- literal in case
select case id when '1' then 'one' when '2' then 'two' else 'many' end from types;

-- literal in coalesce
select coalesce(i4, '0'), coalesce(d, '2000-01-01'), coalesce(n, '1.50') from types;

-- literal in nullif
select nullif(i4, '10'), nullif(t, ''), nullif(d, '2024-01-31') from types;

-- literal in greatest
select greatest(id, '5'), least(d, '2024-01-01') from types;

-- literal in union
select d from types union select '2000-01-01';

-- literal in values
select * from (values (1, '2024-01-01'::date), (2, '2024-02-01')) as v(a, b) join types on id = a;

-- bad literal for integer
-- error: 22P02
select id from types where i4 = 'ten';

-- bad literal for boolean
-- error: 22P02
select id from types where b = 'maybe';

-- bad literal for numeric
-- error: 22P02
select id from types where n = '1,5';

-- bad literal for uuid
-- error: 22P02
select id from types where u = 'xyz';

-- bad literal for interval
-- error: 22007
select id from types where iv = 'long';

-- bad literal for time
-- error: 22008
select id from types where tm = '25:00';

-- integer literal too large
-- error: 22003
select id from types where i4 = '3000000000';

-- literals alone are text
select 'a', 'a' || 'b', length('abc') from types where id = 1;

-- null literals
select null, null + 1, null || 'a', coalesce(null, 1) from types where id = 1;

-- literal and array
select id from types where ai = '{1,2,3}';

-- literal and any
select id from types where i4 = any('{1,7,10}');

-- literal and text any
select id from types where t = any('{apple,"a b c"}');

-- literal cast through types
select '12'::text::int, '2024-01-01'::text::date, 'true'::text::bool from types where id = 1;

-- cast with type before literal
select int '12', numeric '1.50', bool 'on', float8 '1e3', text 'x' from types where id = 1;

-- literal as row
select id from types where (id, t) = (1, 'apple');

-- literals of rows in list
select id from types where (i4, d) in ((10, '2024-01-31'), (7, '2021-01-03'));

-- literal in date function
select date_trunc('month', '2024-05-17'::timestamp), extract(year from '2024-05-17'::date) from types where id = 1;

-- literal in having
select b, count(*) from types group by b having max(d) > '2000-01-01';

-- literal in join
select a.id from types as a join types as b on a.id = b.id and b.d >= '2024-01-01';

-- literal with blanks
select ' 2024-01-01 '::date, ' 1.5 '::numeric, ' true '::bool from types where id = 1;

-- literal false and zero
select 'f'::bool, '0'::bool, 'off'::bool, 'n'::bool from types where id = 1;

-- escaped literal
select E'a\\tb' = 'x', E'\\u00e9', U&'\\00e9' from types where id = 1;
-- the least integer among values
select pg_typeof(p), p - 1 < 0, pg_typeof(q) from types join (values (1, '1'::int4, 1), (2, -2147483648 + 1, -(2147483648))) v(k, p, q) on k = id;
-- the least integers of their types among values
select p, pg_typeof(p), q, pg_typeof(q) from types join (values (1, -2147483648, -9223372036854775808), (2, 1, 1)) v(k, p, q) on k = id;
