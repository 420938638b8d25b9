-- string, replace by a number
select replace(name, 1, 2) from small.kinds;
-- string, too few arguments
select split_part(name, ',') from small.kinds;
-- string, field zero
select split_part(name, ',', 0) from small.kinds where id = 2;
-- string, repeat by text
select repeat(name, 'x') from small.kinds;
-- string, repeat too much
select repeat(name, 2000000000) from small.kinds where id = 1;
-- string, lpad by a date
select lpad(name, day) from small.kinds;
-- string, lpad too long
select lpad(name, 2000000000) from small.kinds where id = 1;
-- string, left of bytes
select left(raw, 1) from small.kinds;
-- string, chr of zero
select chr(id - 1) from small.kinds where id = 1;
-- string, trim of a number
select trim(id) from small.kinds;
-- string, overlay with nothing
select overlay(name placing 'x') from small.kinds;
-- string, overlay before the beginning
select overlay(name placing 'x' from 0) from small.kinds where id = 2;
-- string, position of a number
select position(1 in name) from small.kinds;
-- string, unknown encoding
select encode(raw, 'base7') from small.kinds where id = 1;
-- string, odd hex
-- message: invalid data for decode()
select decode('abc', 'hex') from small.kinds where id = 1;
-- string, no hex
-- message: invalid data for decode()
select decode('zz', 'hex') from small.kinds where id = 1;
-- string, format with too few arguments
select format('%s %s', name) from small.kinds where id = 2;
-- string, format with an unknown type
select format('%x', name) from small.kinds where id = 2;
-- string, format ends early
select format('%', name) from small.kinds where id = 2;
-- string, format of NULL as identifier
select format('%I', null) from small.kinds where id = 2;
-- string, concat_ws without arguments
select concat_ws() from small.kinds;
-- string, concatenation of two numbers
select id || whole from small.kinds;
-- string, unknown collation
select name collate "nowhere" from small.kinds;
-- string, collation of a number
select id collate "C" from small.kinds;
-- string, unknown unicode form
select normalize(name, nfx) from small.kinds;
-- pattern, escape of two characters
select name like 'a' escape 'xy' from small.kinds where id = 2;
-- pattern, like of a number
select id like '1%' from small.kinds;
-- pattern, unbalanced parenthesis
select name ~ '(a' from small.kinds where id = 1;
-- pattern, unbalanced bracket
select name ~ '[a' from small.kinds where id = 1;
-- pattern, nothing to repeat
select name ~ '*a' from small.kinds where id = 1;
-- pattern, bad repetition
select name ~ 'a{2,1}' from small.kinds where id = 1;
-- pattern, unknown flag
select regexp_replace(name, 'a', 'b', 'q!') from small.kinds where id = 1;
-- pattern, global match
select regexp_match(name, 'a', 'g') from small.kinds where id = 1;
-- pattern, no start
select regexp_count(name, 'a', 0) from small.kinds where id = 1;
-- pattern, no nth match
select regexp_substr(name, 'a', 1, 0) from small.kinds where id = 1;
-- pattern, of a date
select day ~ 'a' from small.kinds;
-- pattern, similar to of an integer
select id similar to '1' from small.kinds;
-- number, root of text
select sqrt(name) from small.kinds;
-- number, power of zero
select power(0, -1) from small.kinds where id = 1;
-- number, power of a negative number
select power(-2.0::float8, 0.5) from small.kinds where id = 1;
-- number, too much
select exp(ratio * 0 + 1000) from small.kinds where id = 1;
-- number, logarithm of zero
select ln(0.0) from small.kinds where id = 1;
-- number, logarithm to the base of one
select log(1, price) from small.kinds where id = 1;
-- number, sine of a date
select sin(day) from small.kinds;
-- number, sine of infinity
select sin(ratio) from small.kinds where id = 2;
-- number, angle beyond one
select acos(whole) from small.kinds where id = 1;
-- number, gcd of floats
select gcd(ratio, 2) from small.kinds;
-- number, factorial of a negative number
select factorial(-1) from small.kinds where id = 1;
-- number, round of a float to digits
select round(ratio, 2) from small.kinds;
-- number, modulo of floats
select ratio % 2 from small.kinds;
-- number, buckets without width
select width_bucket(ratio, 1, 1, 3) from small.kinds where id = 1;
-- number, no buckets
select width_bucket(ratio, 1, 2, 0) from small.kinds where id = 1;
-- number, infinity as integer
select ratio::integer from small.kinds where id = 2;
-- number, shift of a numeric
select price << 1 from small.kinds;
-- number, bits of a float
select ratio & 1 from small.kinds;
-- number, negative text
select - name from small.kinds;
-- number, absolute of a date
select abs(day) from small.kinds;
-- number, numeric of impossible scale
select price::numeric(3, 4000) from small.kinds;
-- number, numeric of impossible precision
select price::numeric(2000) from small.kinds;
-- number, float of impossible precision
select price::float(60) from small.kinds;
-- number, integer with a modifier
select price::integer(3) from small.kinds;
-- moment, unknown field
select extract(fortnight from at) from small.kinds;
-- moment, field of a date that it has not
select extract(hour from day) from small.kinds where id = 1;
-- moment, field of a number
select extract(year from id) from small.kinds;
-- moment, unknown unit
select date_trunc('fortnight', at) from small.kinds where id = 1;
-- moment, unknown zone
select moment at time zone 'Mars/Olympus' from small.kinds where id = 1;
-- moment, zone of a number
select id at time zone 'UTC' from small.kinds;
-- moment, date plus date
select day + day from small.kinds;
-- moment, timestamp plus number
select at + 1 from small.kinds;
-- moment, date times number
select day * 2 from small.kinds;
-- moment, number minus date
select 1 - day from small.kinds;
-- moment, impossible date
select make_date(2024, 2, 30) from small.kinds where id = 1;
-- moment, impossible time
select make_time(25, 0, 0) from small.kinds where id = 1;
-- moment, empty bins
select date_bin('0 days', at, at) from small.kinds where id = 1;
-- moment, bins of months
select date_bin('1 month', at, at) from small.kinds where id = 1;
-- moment, age of a number
select age(id) from small.kinds;
-- moment, date out of range
select day + 2147483647 from small.kinds where id = 1;
-- moment, to_date of nonsense
select to_date('nonsense', 'YYYY-MM-DD') from small.kinds where id = 1;
-- moment, to_timestamp of another month
select to_timestamp('2024-13', 'YYYY-MM') from small.kinds where id = 1;
-- moment, to_char without a pattern
select to_char(day) from small.kinds;
-- moment, to_char of a boolean
select to_char(flag, 'x') from small.kinds;
-- moment, interval divided by zero
select (interval '1 day' * id) / 0 from small.kinds where id = 1;
-- moment, comparison with an interval
select day > interval '1 day' from small.kinds;
-- moment, overlaps of numbers
select (id, id) overlaps (id, id) from small.kinds;
-- condition, greatest of unlike types
select greatest(id, name) from small.kinds;
-- condition, nullif of unlike types
select nullif(id, day) from small.kinds;
-- condition, coalesce without arguments
select coalesce() from small.kinds;
-- condition, case of unlike types
select case id when 'a' then 1 end from small.kinds;
-- condition, when of a number
select case when id then 1 end from small.kinds;
-- condition, is true of a number
select id is true from small.kinds;
-- condition, between of unlike types
select id between 1 and day from small.kinds;
-- condition, in of unlike types
select day in (1, 2) from small.kinds;
-- condition, any of a number
select id = any (whole) from small.kinds;
-- condition, any of other elements
select id = any (words) from small.kinds;
-- array, subscript of a number
select id[1] from small.kinds;
-- array, subscript by text
select list['a'] from small.kinds;
-- array, append of another type
select list || 'abc' from small.kinds;
-- array, concatenation of unlike arrays
select list || words from small.kinds;
-- array, containment of unlike arrays
select list @> words from small.kinds;
-- array, empty without a type
select array[] from small.kinds;
-- array, length of a number
select array_length(id, 1) from small.kinds;
-- array, position of another type
select array_position(list, 'x'::text) from small.kinds;
-- array, unnest of a number
select unnest(id) from small.kinds;
-- array, to string of a number
select array_to_string(id, ',') from small.kinds;
-- array, cast of elements
-- message: invalid input syntax for type integer
select words::integer[] from small.kinds where id = 1;
-- array, fill with a negative length
select array_fill(id, array[-1]) from small.kinds where id = 1;
-- array, trimmed too much
select trim_array(list, 4) from small.kinds where id = 1;
-- json, operator on text
select name -> 'a' from small.kinds;
-- json, no json
select name::json from small.kinds where id = 1;
-- json, path that is none
select jsonb_path_query(pair, '$$') from small.kinds;
-- json, elements of an object
select jsonb_array_elements(pair) from small.kinds where id = 1;
-- json, odd arguments
select jsonb_build_object('a') from small.kinds where id = 1;
-- json, null as a key
select jsonb_build_object(null, 1) from small.kinds where id = 1;
-- json, object as a number
select pair::integer from small.kinds where id = 1;
-- json, containment of text
select name @> 'a' from small.kinds;
-- aggregate, sum of text
select sum(name) from small.kinds;
-- aggregate, avg of dates
select avg(day) from small.kinds;
-- aggregate, max of booleans
select max(flag) from small.kinds;
-- aggregate, bool_and of numbers
select bool_and(id) from small.kinds;
-- aggregate, string_agg without a delimiter
select string_agg(name) from small.kinds;
-- aggregate, string_agg of numbers
select string_agg(id, ',') from small.kinds;
-- aggregate, order that is not distinct
select string_agg(distinct name, ',' order by id) from small.kinds;
-- aggregate, sum of two
select sum(id, id) from small.kinds;
-- aggregate, sum overflows
select sum(big)::bigint + min(big) from small.kinds;
-- aggregate, percentile of text
select percentile_cont(0.5) within group (order by name) from small.kinds;
-- aggregate, percentile beyond one
select percentile_disc(1.5) within group (order by id) from small.kinds;
-- aggregate, filter of a number
select count(*) filter (where id) from small.kinds;
-- aggregate, mode with an argument
select mode(id) within group (order by id) from small.kinds;
-- aggregate, corr of text
select corr(name, name) from small.kinds;
-- window, lag by text
select lag(id, 'x') over (order by id) from small.kinds;
-- window, lag with another default
select lag(day, 1, 5) over (order by id) from small.kinds;
-- window, ntile of text
select ntile('x') over () from small.kinds;
-- window, frame of text
select sum(id) over (order by id rows 'x' preceding) from small.kinds;
-- window, negative frame
select sum(id) over (order by id rows -1 preceding) from small.kinds;
-- window, groups without order
select sum(id) over (groups 1 preceding) from small.kinds;
-- window, range over text
select count(*) over (order by name range 1 preceding) from small.kinds;
-- window, in group by
select id from small.kinds group by id having rank() over () = 1;
-- set, of unlike types
select day from small.kinds except select flag from small.kinds;
-- set, of unlike widths
select 1, 2 from small.kinds intersect select 1 from small.kinds;
-- set, order by a column that is not there
select id from small.kinds union all select id from small.kinds order by name;
-- functions in from, too many names
select * from small.kinds, generate_series(1, 2) as g (a, b);
-- functions in from, step zero
select * from generate_series(1, 2, 0) g, small.kinds;
-- functions in from, unknown
select * from no_such_rows(1) g, small.kinds;
-- functions in from, record without columns
select * from small.kinds, jsonb_to_record('{}') r;
-- conversions, boolean to date
select flag::timestamp from small.kinds;
-- conversions, date to boolean
select day::boolean from small.kinds;
-- conversions, uuid of text
select name::uuid from small.kinds where id = 1;
-- conversions, interval of text
select name::interval from small.kinds where id = 1;
-- conversions, bytes to integer too long
select raw::integer from small.kinds where id = 1;
-- conversions, time of text
select name::time from small.kinds where id = 1;
-- conversions, too long for char
select cast(name as char(0)) from small.kinds;
-- grammar, lateral without a query
select * from small.kinds, lateral;
-- grammar, values of unlike types
select * from small.kinds, (values (1), ('x'::text)) v (a);
-- grammar, ordinality twice
select * from small.kinds, unnest(list) with ordinality with ordinality;
-- grammar, cube without columns
select count(*) from small.kinds group by cube;
-- grammar, window without a definition
select sum(id) over from small.kinds;
-- grammar, filter without where
select count(*) filter (flag) from small.kinds;
-- grammar, distinct on without columns
select distinct on () id from small.kinds;
-- grammar, fetch without rows
select id from small.kinds fetch first 1;
-- grammar, cast without a type
select cast(id) from small.kinds;
-- grammar, parameter in a plain statement
select id from small.kinds where id = $1;
-- a class of characters that is none
select name ~ '[[:foo:]]' from small.kinds where id = 1;
-- a repetition of a repetition
select name ~ 'a**' from small.kinds where id = 1;
-- an anchor that is repeated
select name ~ '^*a' from small.kinds where id = 1;
-- an sql pattern with an open bracket
select name similar to '[a' from small.kinds where id = 1;
-- a replaced pattern that ends in a backslash
select regexp_replace(name, 'a\', '') from small.kinds where id = 1;
-- numeric, rounds to a digit more than its type has
select round(price, 0)::numeric(15, 2) from small.kinds where id = 2;
-- numeric, rounds to a digit less than another type has
select round(price, 1)::numeric(14, 2) from small.kinds where id = 2;
