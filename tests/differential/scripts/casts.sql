-- to integer from numeric
select id, n::int, n2::bigint, round(n)::smallint from types where id <> 5;
-- to integer from float
select 0.5::float8::int, 1.5::float8::int, 2.5::float8::int, (-0.5)::float8::int, (-2.5)::float8::int;
-- to integer from float column
select id, f8::bigint from types where id <> 5;
-- to integer from text
select '42'::int, ' 42 '::int, '-7'::smallint, '12345678901'::bigint;
-- to integer from a bad text
-- error: 22P02
select t::int from types;
-- to numeric
select id, i4::numeric, i8::numeric(20,2), n::numeric, n::numeric(8,1), f8::numeric(10,2) from types where id not in (5, 6, 10);
-- to numeric from float
select 0.1::float8::numeric, 1e20::float8::numeric, 123456.789::float8::numeric, 1.5::real::numeric, f8::numeric from types where id not in (5);
-- to numeric from text
select '1.25'::numeric, '1e3'::numeric, '007.50'::numeric, '-0.001'::numeric(5,2), '1.005'::numeric(5,2);
-- numeric overflow
-- error: 22003
select n::numeric(5,2) from types;
-- to float
select id, i4::float8, n::float8, n::real, '1.5'::float8, '1e10'::float8, 'NaN'::float8, 'Infinity'::float8 from types where id <> 5;
-- to text
select id, i4::text, i8::text, n::text, n2::text, b::text, t::text, d::text, ts::text from types;
-- float to text
select id, f8::text, f4::text from types;
-- float constants to text
select 1e15::float8::text, 1e14::float8::text, 123456789012345680::float8::text, 0.0001::float8::text, 0.00001::float8::text, 1e300::float8::text, 100000::real::text, 1000000::real::text, 0.1::real::text, 'NaN'::float8::text, '-Infinity'::float8::text;
-- quotient to text
select (1 / 3.0)::text, (2 / 4.0)::text = '0.50000000000000000000';
-- timestamptz to text
select id, tz::text from types;
-- time to text
select id, tm::text from types;
-- to varchar and char
select 'abcdef'::varchar(3), 'ab'::char(4) || '|', t::varchar(3), 'abcdef'::char(2) from types;
-- boolean from text
select 't'::bool, 'f'::bool, 'yes'::bool, 'off'::bool, '1'::bool, ' TRUE '::bool;
-- boolean from text column
select x::bool from (values ('t'), ('NO'), ('on'), (null)) v(x);
-- boolean and integer
select b::int, i4::bool, true::int, 0::bool from types where id < 4;
-- to date
select '2024-01-31'::date, '20240131'::date, date '2024-2-9', ts::date, tz::date, '2024-01-31 10:00'::date from types where id < 3;
-- to timestamp
select '2024-01-31 10:30'::timestamp, '2024-01-31'::timestamp, timestamp '2024-01-31T10:30:15.5', d::timestamp from types where id < 3;
-- to timestamptz
select '2024-01-31 10:30+02'::timestamptz, timestamptz '2024-01-31 10:30', ts::timestamptz, d::timestamptz from types where id < 3;
-- to timestamptz in a zone
-- time zone: Europe/Berlin
select '2024-07-31 10:30'::timestamptz, ts::timestamptz, d::timestamptz, tz::date, tz::timestamp, tz::text from types where id not in (9, 10);
-- to time
select '10:30'::time, ts::time, tz::time from types where id < 4;
-- text column to date
select x::date, x::timestamp from (values ('2024-01-31'), ('1999-12-01'), (null)) v(x);
-- text column to numeric
select x::numeric * 2, x::float8, x::int from (values ('12'), ('7'), (null)) v(x);
-- arrays
select '{1,2,3}'::int[], '{a,"b c",NULL}'::text[], array[1.5, 2.5]::int[], ai::bigint[], ai::text[] from types where id < 4;
-- json text
select '{"a": 1}'::json, j from types where id < 4;
-- uuid
select u, '00000000-0000-0000-0000-000000000001'::uuid = u from types;
-- nested casts
select (i4::text || '5')::int, ((n * 100)::int)::text, (d::text)::date from types where id in (1, 2, 7);
-- null casts
select null::int, null::text, null::date, cast(null as numeric(5,2)), null::int + 1;
-- an interval of limited digits
select iv::interval(0) from types;
-- a date with the name of a month
-- a cast that is not there
-- refused: a cast of int to regclass
select id::regclass from types where id < 0;
-- a date form that is not read
select 'January 8, 1999'::date;

-- pg_input_is_valid
select id, pg_input_is_valid(t, 'integer'), pg_input_is_valid(v, 'json'), pg_input_is_valid(t, 'numeric(3,2)'), pg_input_is_valid(v, 'timestamp with time zone'),
  case when pg_input_is_valid(t, 'date') then t::date end from types;

-- pg_input_is_valid of a type of the database itself
-- refused: pg_input_is_valid
select pg_input_is_valid(t, 'regclass') from types;
