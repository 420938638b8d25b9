-- int4 plus int4
select id, i4 + id, i4 - id from types where abs(i4::bigint) < 1000000;

-- int4 overflow by plus
-- error: 22003
select i4 + 1 from types;

-- int4 overflow by minus
-- error: 22003
select i4 - 1 from types;

-- int4 overflow by times
-- error: 22003
select i4 * 2 from types;

-- int2 overflow by plus
-- error: 22003
select i2 + i2 from types;

-- int2 plus int2 is int2
select i2 + i2 from types where i2 between -100 and 100;

-- int2 times int4 is int4
select i2 * 100000 from types where i2 between -100 and 100;

-- int2 and int8
select i2 + i8, i2 * i8, i2 - i8, i8 / i2 from types where i2 <> 0 and abs(i8) < 1000;

-- int8 overflow by plus
-- error: 22003
select i8 + 4611686018427387904 from types where i8 > 0;

-- int8 overflow by times
-- error: 22003
select i8 * 4 from types;

-- int8 times within
select i8 * 3 from types where abs(i8) < 1000000;

-- int8 minus to the least
select -9223372036854775807 - id from types where id = 1;

-- int8 least minus one
-- error: 22003
select -9223372036854775808 - id from types where id = 1;

-- integer division cuts
select 7 / 2, -7 / 2, 7 / -2, -7 / -2, i4 / 3 from types;

-- integer remainder has the sign of the dividend
select 7 % 3, -7 % 3, 7 % -3, -7 % -3, i4 % 4 from types;

-- division of int2
select i2 / 2::smallint, i2 % 3::smallint from types;

-- division of the least int4
-- error: 22003
select i4 / -1 from types where id = 6;

-- remainder of the least int4
select i4 % -1 from types where id = 6;

-- integer division by zero
-- error: 22012
select id / (id - 1) from types;

-- remainder by zero
-- error: 22012
select id % (id - 1) from types;

-- negation of the least int2
-- error: 22003
select -i2 from types;

-- negation of the least int4
-- error: 22003
select -i4 from types;

-- negation
select -i2, -i4, -i8, +i4 from types where i2 between -10 and 10 and abs(i4::bigint) < 10;

-- abs keeps types
select abs(i2), abs(i4), abs(i8) from types where id in (1, 2, 3, 7);

-- abs of the least int4
-- error: 22003
select abs(i4) from types;

-- abs of the least int2
-- error: 22003
select abs(i2) from types;

-- cast int8 to int4 overflow
-- error: 22003
select i8::int from types;

-- cast int4 to int2 overflow
-- error: 22003
select i4::smallint from types;

-- cast int8 to int4 within
select i8::int, i8::smallint from types where abs(i8) < 1000;

-- constants by size
select 2147483647, 2147483648, 9223372036854775807, 9223372036854775808 from types where id = 1;

-- constants in other bases
select 0x1F, 0o17, 0b101, 1_000_000 from types where id = 1;

-- sum of each integer
select sum(i2), sum(i4), sum(i8) from types where id > 6;

-- sum of int8 beyond int8
select sum(i8 * 1.0), sum(i8) from types where i8 > 0;

-- sum of many int8
select sum(x) from (select 9223372036854775807 as x from types) as s;

-- sum of int4 beyond int4
select sum(i4) from types where i4 = 2147483647 or id = 1;

-- avg of each integer
select avg(i2), avg(i4), avg(id) from types;

-- avg of int8
select avg(i8) from types where abs(i8) < 1000;

-- min and max keep types
select min(i2), max(i2), min(i4), max(i4), min(i8), max(i8) from types;

-- int and numeric
select i4 + 0.5, i4 * 1.50, i2 - 0.25 from types where abs(i4::bigint) < 1000;

-- int and float
select i4 + f8, i4 * f4, i2 + f4 from types where id in (1, 2, 3);

-- int4 equals numeric
select id from types where i4 = 10.0 or i4 = 7.00;

-- int8 against int4 constant
select id from types where i8 > 99;

-- bitwise
select i4 & 6, i4 | 1, i4 # 3, ~i4, i4 << 2, i4 >> 1 from types where abs(i4::bigint) < 1000;

-- bitwise of int8
select i8 & 6, i8 | 1, i8 # 3, ~i8, i8 << 2, i8 >> 1 from types where abs(i8) < 1000;

-- bitwise of int2
select i2 & 6::smallint, i2 | 1::smallint, ~i2 from types;

-- mod and div functions
select mod(i4, 3), div(id, 4), mod(id::smallint, 5::smallint) from types;

-- power of integers is double
select 2 ^ id, power(id, 2) from types;

-- gcd and lcm
select gcd(id, 12), lcm(id, 4) from types;

-- bool to int and back
select b::int, id::bool, 0::bool from types;

-- int to text and back
select i4::text, (i4::text)::int, i8::text from types;

-- integer text with blanks
select ' 42 '::int, '-7'::smallint, '+8'::bigint from types where id = 1;

-- integer of a bad text
-- error: 22P02
select 'x1'::int from types;

-- integer of too large a text
-- error: 22003
select '2147483648'::int from types;

-- integer of a text column
-- error: 22P02
select v::int from types where id = 2;

-- comparison across widths
select id from types where i2 = i4 and i4 = i8;

-- between across widths
select id from types where i2 between -2 and i8;

-- in list of widths
select id from types where i2 in (1, 100, 70000, 5000000000);

-- coalesce widens
select coalesce(i2, i4, i8), coalesce(i2, 1.5), coalesce(i4, 0) from types;

-- case widens
select case when id > 3 then i2 else i8 end, case when b then 1 else 2.5 end from types;

-- greatest widens
select greatest(i2, i4, i8), least(i2, 1.5, i4) from types where id < 4;

-- union widens
select i2 from types union all select i8 from types;

-- union of int and numeric
select i4 from types union select 1.5;

-- sign and integers
select sign(i4), sign(-2.5), sign(f8) from types where id < 5;

-- round of integers
select round(id), ceil(id), floor(id), trunc(id) from types where id = 3;

-- factorial of constants
select id, id * 2 / 3 * 3 from types;

-- unary chain
select - - id, -(-id), +-id from types;

-- integer and boolean
-- error: 42883
select id from types where id + true > 1;

-- text plus integer
-- error: 42883
select t + 1 from types;
-- negative constants of negative ones
select -(-2147483648), - -5, -(-(-9223372036854775807)), -(-2147483648) + i4, i2 - -(-1) from types;
-- negative constants beside groups
select -(-2147483648) from types group by i4;
