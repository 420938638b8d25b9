-- between bounds
select random(1, 10) between 1 and 10, random(1::bigint, 5) < 6, random(0.5, 1.5) between 0.5 and 1.5 from types;

-- one number between bounds
select random(3, 3), random(3::int8, 3), random(2.5, 2.5), random(7::int2, 7), random(1.25, 1.25), random(i4, i4) from types;

-- each row its own
select count(distinct random(1, 2000000000)) > 5, count(distinct random_normal()), count(distinct uuidv7()), count(distinct uuidv4())
  from types;

-- bounds that cross
-- error: 22023
select random(5, 1) from types;

-- no bound
select random(null::int, 1) from types;

-- a condition
select count(*) from types where random(1, 2) < 5 and random_normal(0, 1) < 100;

-- normal without deviation
select random_normal(5, 0), random_normal(f8, 0) from types where id < 5;

-- uuids of two versions
select length(uuidv7()::text), substring(uuidv7()::text from 15 for 1), substring(uuidv4()::text from 15 for 1) from types;

-- uuids of a subquery
select count(*), bool_and(u > '01900000-0000-7000-8000-000000000000') from (select uuidv7() as u from types) x;
