-- union
select k from pairs union select r_regionkey from region;
-- union all
select k from pairs union all select r_regionkey from region;
-- union distinct
select k from pairs union distinct select k from pairs;
-- intersect
select k from pairs intersect select r_regionkey from region;
-- intersect all
select k from pairs intersect all select case when r_regionkey < 3 then 1 else r_regionkey end from region;
-- except
select k from pairs except select r_regionkey from region;
-- except all
select k from pairs except all select r_regionkey from region;
-- intersect binds tighter
select k from pairs union select r_regionkey from region intersect select id from types;
-- parentheses change binding
(select k from pairs union select r_regionkey from region) intersect select id from types;
-- nested parentheses
((select k from pairs) union all ((select r_regionkey from region) except (select 1)));
-- three unions mixed
select k from pairs union all select k from pairs union select r_regionkey from region;
-- union then union all
select k from pairs union select r_regionkey from region union all select 1;
-- except is left associative
select id from types except select k from pairs except select r_regionkey from region;
-- except of except
select id from types except (select k from pairs except select r_regionkey from region);
-- union order by position
-- ordered
select k from pairs union select r_regionkey from region order by 1;
-- union order by name desc limit
-- ordered
select k as x from pairs union select r_regionkey from region order by x desc nulls last limit 3;
-- union order by offset
-- ordered
select k from pairs union select r_regionkey from region order by 1 offset 2;
-- union of ordered and limited sides
-- ordered
(select n_name from nation order by n_name limit 2) union all (select r_name from region order by r_name desc limit 2) order by 1;
-- union names from the left
select k as left_name from pairs where k = 1 union select r_regionkey as right_name from region;
-- union of different number types
select i2 from types union select i8 from types;
-- union of integer and numeric
select i4 from types union select n2 from types;
-- union of integer and float
select k from pairs union select q from pairs;
-- union with null column
select null, k from pairs union select r_name, r_regionkey from region;
-- union with two null columns
select null as a, k from pairs union all select null, r_regionkey from region;
-- union with unknown literal
select 'x' as a from region union select n_name from nation;
-- union with date literal
select d from types union select '2020-02-02';
-- union of date and timestamp
select d from types union select ts from types;
-- union of varchar and text
select v from types union select t from types;
-- union of nulls counts as equal
select k, w from pairs union select k, w from pairs;
-- union of nan
select q from pairs union select 'NaN'::float8;
-- intersect with nulls
select k from pairs intersect select k from pairs;
-- except with nulls
select k from pairs except select null;
-- intersect all with nulls
select k, w from pairs intersect all select k, w from pairs;
-- except all with duplicates
select n_regionkey from nation except all select r_regionkey from region;
-- union of values
values (1, 'a'), (2, 'b') union select k, w from pairs;
-- union in derived table
select count(*), sum(x) from (select k as x from pairs union all select r_regionkey from region) u;
-- union in in
select w from pairs where k in (select r_regionkey from region union select 7);
-- union in exists
select w from pairs p where exists (select 1 from region where r_regionkey = p.k union select 1 from nation where n_nationkey = p.k + 2);
-- union in scalar subquery
select w, (select max(x) from (select p.k as x union all select 2) u) from pairs p;
-- union of aggregates
select 'p' as src, count(*) from pairs union all select 'r', count(*) from region;
-- union of group by
select k, count(*) from pairs group by k union all select null, count(*) from pairs;
-- union of table commands
table region union all table region;
-- union with star
select * from region union select * from region;
-- union of arrays
select ai from types union select array[1, 2, 3];
-- except of rows with star
select * from pairs except select * from pairs where k = 1;
-- set operation of joins
select n_name from nation join region on r_regionkey = n_regionkey where r_name = 'ASIA' intersect select n_name from nation where n_nationkey > 10;
-- union with casts
select k::text from pairs union select r_name from region;
-- values alone with order
-- ordered
select * from (values (2, 'b'), (1, 'a')) v, region where r_regionkey = 0 order by column1;
-- values with default names
select column2, column1 from (values (1, 'a'), (2, 'b')) v join region on r_regionkey = column1;
-- values with mixed types
select * from (values (1), (2.5), (null)) v (x), region where r_regionkey = 0;
-- values with expressions
select * from (values (1 + 1, 'a' || 'b'), ((select max(k) from pairs), null)) v (x, y);
-- values of column references
select k, (values (k + 1)) from pairs;
-- values in in
select w from pairs where k in (values (1), (3));
-- values of rows in in
select w from pairs where (k, w) in (values (1, 'one'), (2, 'two'));
-- table command
table region;
-- table command with order and limit
-- ordered
table region order by r_name desc limit 2;
-- table command in subquery
select count(*) from (table nation) n;
-- table command in cte
with x as (table pairs) select count(k) from x;
-- fetch first
-- ordered
select n_name from nation order by n_name fetch first 3 rows only;
-- fetch first row
-- ordered
select n_name from nation order by n_name fetch first row only;
-- fetch next with offset rows
-- ordered
select n_name from nation order by n_name offset 2 rows fetch next 2 rows only;
-- fetch first with ties
-- ordered
select k from pairs order by k fetch first 1 row with ties;
-- fetch first with ties of nulls
select k, w from pairs order by k desc fetch first 1 row with ties;
-- fetch first with ties and offset
-- ordered
select k from pairs order by k offset 1 fetch first 2 rows with ties;
-- fetch first with ties by expression
-- ordered
select n_regionkey from nation order by n_regionkey % 2, n_regionkey fetch first 4 rows with ties;
-- fetch first with ties in union
(select k from pairs order by k fetch first 1 rows with ties) union all select 9;
-- fetch first with ties of set operation
select k from pairs union all select r_regionkey from region order by 1 fetch first 2 rows with ties;
-- fetch first with ties of group by
select n_regionkey, count(*) from nation group by n_regionkey order by count(*) fetch first 1 row with ties;
-- fetch first with ties of distinct
-- ordered
select distinct n_regionkey % 3 from nation order by 1 fetch first 1 row with ties;
-- fetch first expression
select k from pairs order by k fetch first (1 + 1) rows only;
-- limit expression
-- ordered
select n_name from nation order by n_name limit 1 + 2;
-- limit subquery
-- ordered
select n_name from nation order by n_name limit (select count(*) from region);
-- limit null
-- ordered
select r_name from region order by r_name limit null;
-- limit all
-- ordered
select r_name from region order by r_name limit all;
-- limit all offset
-- ordered
select r_name from region order by r_name limit all offset 2;
-- offset null
-- ordered
select r_name from region order by r_name offset null;
-- limit cast
-- ordered
select r_name from region order by r_name limit '2'::int;
-- limit unknown literal
-- ordered
select r_name from region order by r_name limit '2';
-- limit numeric
-- ordered
select r_name from region order by r_name limit 2.5;
-- limit zero
select r_name from region limit 0;
-- offset beyond
-- ordered
select r_name from region order by r_name offset 100;
-- limit and offset in either order
-- ordered
select r_name from region order by r_name offset 1 limit 2;
-- limit in subquery with expression
select count(*) from (select k from pairs limit 2 * 2) x;
-- order by position
-- ordered
select n_regionkey, n_name from nation order by 1 desc, 2;
-- order by expression of alias is not allowed but column is
-- ordered
select n_regionkey + 1 as r from nation order by n_regionkey desc, r;
-- order by alias over column
-- ordered
select -k as k from pairs order by k;
-- order by expression uses input column
-- ordered
select -k as k from pairs order by k + 0, w;
-- order by using greater
-- ordered
select k, w from pairs order by k using >, w;
-- order by using less
-- ordered
select k, w from pairs order by k using <, w using >;
-- order by collate c
-- ordered
select n_name from nation order by n_name collate "C";
-- order by nulls first and last
-- ordered
select k, w from pairs order by k nulls first, w desc nulls last;
-- order by case
-- ordered
select k, w from pairs order by case when k is null then 0 else 1 end, k, w;
-- order by subquery
-- ordered
select r_name from region r order by (select count(*) from nation where n_regionkey = r.r_regionkey and n_nationkey < 9), r_name;
-- order by aggregate not selected
-- ordered
select n_regionkey from nation group by n_regionkey order by max(n_nationkey);
-- order by column of another table
-- ordered
select n_name from nation join region on r_regionkey = n_regionkey order by r_name, n_name;
-- order by row value
-- ordered
select k, w from pairs where k is not null order by (k, w);
-- order by boolean
-- ordered
select k, w from pairs order by k > 1, k, w;
-- order by null constant
-- error: 42601
select r_name from region order by null, r_name;
-- order by string constant
select r_name from region order by r_name collate "default";
-- tablesample system whole
select count(*) from nation tablesample system (100);
-- tablesample bernoulli whole
select count(*) from nation tablesample bernoulli (100);
-- tablesample nothing
select count(*) from nation tablesample bernoulli (0);
-- tablesample repeatable
select count(*) from nation n tablesample system (100) repeatable (42);
-- tablesample alias in join
select count(*) from nation n tablesample bernoulli (100) join region r on r_regionkey = n_regionkey;

-- constants take the type of the other arms
-- ordered
select i4 as k from types union all select '5' union all select ' 30 ' order by 1;
-- constants that are equal to numbers and dates
select f8 from types union select '2.50' union select '1.5';
-- constants first
select sum(k), max(k) from (select '-1.5' as k union all select n from types) s;
-- constants that are moments
select k + interval '1 day' from (select '2024-01-01' as k union all select ts from types) s;
-- constants that are dates, booleans, intervals and arrays
select d, b, iv, ai from types union all select '2024-01-01', 'yes', '1 day', '{7,NULL}';
-- constants beside NULL
select sum(k) from (select i2 as k from types union all select '5' union all select null) s;
-- constants that are no numbers
-- error: 22P02
select i4 from types union select 'x';
