-- misspelt keyword
selct id from small.kinds;
-- missing expression
select from where small.kinds;
-- missing from item
select id from;
-- trailing comma
select id, from small.kinds;
-- unbalanced parenthesis
select (id from small.kinds;
-- closing parenthesis too many
select id) from small.kinds;
-- unterminated string
select 'abc from small.kinds;
-- unterminated quoted identifier
select "id from small.kinds;
-- unterminated comment
select id /* from small.kinds;
-- two where
select id from small.kinds where id = 1 where id = 2;
-- limit twice
select id from small.kinds limit 1 limit 2;
-- order before where
select id from small.kinds order by id where id = 1;
-- group without by
select id from small.kinds group id;
-- join without condition
select * from small.kinds a join small.kinds b;
-- reserved alias
select id as from small.kinds;
-- case without end
select case when id = 1 then 2 from small.kinds;
-- between without and
select id from small.kinds where id between 1;
-- in without list
select id from small.kinds where id in ();
-- bad cast
select id:: from small.kinds;
-- unknown relation
select * from small.nothing;
-- unknown relation along the path
select * from nothing_here;
-- unknown schema
select * from no_schema.kinds;
-- unknown column
select nothing from small.kinds;
-- unknown column with hint
select idd from small.kinds;
-- unknown qualified column
select k.nothing from small.kinds k;
-- unknown column in where
select id from small.kinds where nothing = 1;
-- unknown column in order by
select id from small.kinds order by nothing;
-- unknown column in group by
select count(*) from small.kinds group by nothing;
-- unknown column in join
select 1 from small.kinds a join small.kinds b on a.id = b.nothing;
-- unknown column in using
select 1 from small.kinds a join small.numbers b using (nothing);
-- unknown alias
select x.id from small.kinds k;
-- alias not visible in where
select id as number from small.kinds where number = 1;
-- alias not visible in having
select count(*) as number from small.kinds having number > 1;
-- alias of lateral sibling
select * from small.kinds k, (select k.id) x;
-- ambiguous column
select id from small.kinds a, small.kinds b;
-- ambiguous column in where
select 1 from small.kinds a join small.kinds b on a.id = b.id where id = 1;
-- ambiguous order by
select a.id, b.id from small.kinds a, small.kinds b order by id;
-- ambiguous column of a derived table
select x.id from (select id, id from small.kinds) x;
-- ambiguous using
select 1 from small.kinds a join small.kinds b on true join small.kinds c using (id);
-- duplicate alias
select 1 from small.kinds k, small.numbers k;
-- duplicate with name
with a as (select 1), a as (select 2) select * from a, small.kinds;
-- unknown function
select no_such_function(id) from small.kinds;
-- function of wrong types
select upper(id) from small.kinds;
-- function of wrong count
select length(name, name, name) from small.kinds;
-- unknown operator
select name + id from small.kinds;
-- operator without candidate
select flag + 1 from small.kinds;
-- text and integer
select name = 1 from small.kinds;
-- boolean and integer
select flag = 1 from small.kinds;
-- date and integer
select day = 1 from small.kinds;
-- unknown type
select id::no_such_type from small.kinds;
-- impossible cast
select day::integer from small.kinds;
-- impossible cast of boolean
select flag::date from small.kinds;
-- bad integer constant
select id from small.kinds where id = 'abc';
-- bad date constant
select id from small.kinds where day = 'yesterdayish';
-- bad date field
select id from small.kinds where day = '2024-13-01';
-- bad timestamp constant
select id from small.kinds where at > 'noon-ish';
-- bad boolean constant
select id from small.kinds where flag = 'perhaps';
-- bad numeric constant
select id from small.kinds where price > '1,5';
-- bad interval constant
select day + interval 'one fine day' from small.kinds;
-- bad array constant
select id from small.kinds where list = '{1,2';
-- integer constant too large
select id from small.kinds where id = '99999999999';
-- smallint constant too large
select id from small.kinds where tiny = '70000';
-- typed constant too large
select int4 '99999999999' from small.kinds;
-- where is not boolean
select id from small.kinds where id;
-- where is text
select id from small.kinds where name;
-- having is not boolean
select count(*) from small.kinds having count(*);
-- on is not boolean
select 1 from small.kinds a join small.kinds b on a.id;
-- not of integer
select not id from small.kinds;
-- and of integer
select flag and id from small.kinds;
-- case of mixed types
select case when flag then 1 else day end from small.kinds;
-- coalesce of mixed types
select coalesce(id, day) from small.kinds;
-- union of mixed types
select id from small.kinds union select day from small.kinds;
-- union of different widths
select id, name from small.kinds union select id from small.kinds;
-- in of mixed types
select id from small.kinds where id in (1, true);
-- array of mixed types
select array[id, day] from small.kinds;
-- ungrouped column
select id, count(*) from small.kinds;
-- ungrouped column beside group
select id, name from small.kinds group by id;
-- ungrouped column in having
select id from small.kinds group by id having name = 'a';
-- ungrouped column in order by
select id from small.kinds group by id order by name;
-- ungrouped outer column
select id, (select max(n) from small.numbers where n = k.whole) from small.kinds k group by id;
-- aggregate in where
select id from small.kinds where count(*) > 1;
-- aggregate in group by
select count(*) from small.kinds group by count(*);
-- aggregate in join condition
select 1 from small.kinds a join small.kinds b on count(*) = 1;
-- aggregate in aggregate
select sum(count(*)) from small.kinds;
-- window in where
select id from small.kinds where row_number() over () = 1;
-- window in group by
select 1 from small.kinds group by row_number() over ();
-- window in having
select 1 from small.kinds having row_number() over () = 1;
-- window in window
select sum(row_number() over ()) over () from small.kinds;
-- window function without over
select row_number() from small.kinds;
-- plain function with over
select upper(name) over () from small.kinds;
-- unknown window
select sum(id) over w from small.kinds;
-- window defined twice
select sum(id) over w from small.kinds window w as (order by id), w as (order by name);
-- frame from following to preceding
select sum(id) over (order by id rows between 1 following and 1 preceding) from small.kinds;
-- frame from unbounded following
select sum(id) over (order by id rows between unbounded following and current row) from small.kinds;
-- range without one key
select sum(id) over (order by id, name range 1 preceding) from small.kinds;
-- filter on plain function
select upper(name) filter (where flag) from small.kinds;
-- distinct in window
select count(distinct id) over () from small.kinds;
-- within group on plain aggregate
select sum(id) within group (order by id) from small.kinds;
-- ordered set without within group
select percentile_cont(0.5) from small.kinds;
-- position out of the list
select id from small.kinds order by 3;
-- group position out of the list
select count(*) from small.kinds group by 5;
-- position zero
select id from small.kinds order by 0;
-- non integer constant in order by
select id from small.kinds order by 'id';
-- distinct and order by another
select distinct id from small.kinds order by name;
-- distinct on and order by another
select distinct on (id) id from small.kinds order by name;
-- order by expression of union
select id from small.kinds union select id from small.kinds order by id + 1;
-- subquery with two columns
select (select id, name from small.kinds) from small.kinds;
-- subquery with two columns in in
select id from small.kinds where id in (select id, name from small.kinds);
-- row of another width
select id from small.kinds where (id, name) = (1, 'a', 2);
-- row and subquery of another width
select id from small.kinds where (id, name) in (select id from small.kinds);
-- unequal values lists
select * from (values (1, 2), (3)) v, small.kinds;
-- too many column aliases
select * from small.numbers as x (a, b, c);
-- too many cte column aliases
with x (a, b) as (select id from small.kinds) select * from x;
-- star without from
select * , id;
-- unknown star
select x.* from small.kinds k;
-- star in where
select id from small.kinds where * = 1;
-- natural join of nothing qualified
select 1 from small.kinds k natural join small.numbers n where n.nothing = 1;
-- set returning function in where
select id from small.kinds where generate_series(1, 2) = 1;
-- set returning function in case
select case when flag then generate_series(1, 2) end from small.kinds;
-- grouping without group by
select grouping(id) from small.kinds;
-- grouping of another column
select grouping(name) from small.kinds group by rollup (id);
-- recursive with aggregate
with recursive x (i) as (select id from small.kinds union all select count(*)::int from x) select * from x;
-- recursive in the wrong side
with recursive x (i) as (select i from x union all select id from small.kinds) select * from x;
-- recursive of another type
with recursive x (i) as (select id from small.kinds union all select i + 1.5 from x) select * from x;
-- limit of a column
select id from small.kinds limit id;
-- limit of text
select id from small.kinds limit 'many';
-- negative limit
select id from small.kinds limit -1;
-- negative offset
select id from small.kinds offset -1;
-- with ties without order
select id from small.kinds fetch first 1 row with ties;
-- division by zero constant
select 1 / 0 from small.kinds;
-- division by zero
select id / (id - 1) from small.kinds;
-- division by zero of numeric
select price / (id - id) from small.kinds;
-- division by zero of float
select ratio / 0 from small.kinds;
-- modulo by zero
select id % 0 from small.kinds;
-- integer overflow
select whole - 1 from small.kinds;
-- integer multiplication overflow
select whole * 2 from small.kinds where id = 2;
-- smallint overflow
select tiny - 1::smallint from small.kinds;
-- bigint overflow
select big * 2 from small.kinds where id = 2;
-- cast overflow
select big::integer from small.kinds;
-- cast overflow to smallint
select whole::smallint from small.kinds;
-- cast of bad text
select name::integer from small.kinds where id = 1;
-- cast of bad text to date
select name::date from small.kinds where id = 1;
-- cast of bad text to boolean
select name::boolean from small.kinds where id = 1;
-- cast of bad text to numeric
select name::numeric from small.kinds where id = 1;
-- more than one row
select (select n from small.numbers where n < 3) from small.kinds;
-- more than one row correlated
select (select n from small.numbers where n > k.id and n < 10) from small.kinds k;
-- more than one row in where
select id from small.kinds where id = (select n from small.numbers where n < 3);
-- square root of a negative
select sqrt(whole) from small.kinds where id = 2;
-- logarithm of zero
select ln(id - 1) from small.kinds where id = 1;
-- numeric field overflow
select price::numeric(4, 2) from small.kinds;
-- percentile out of range
select percentile_cont(2) within group (order by n) from small.numbers;
-- ntile of zero
select ntile(0) over (order by id) from small.kinds;
-- nth value of zero
select nth_value(id, 0) over (order by id) from small.kinds;
-- negative substring length
select substring(name from 1 for -1) from small.kinds where id = 1;
-- parameter without number
select $0 from small.kinds;
-- cast of text with both quotes to uuid
select (name || $$ "x" 'y'$$ || E'\n')::uuid from small.kinds where id = 1;
