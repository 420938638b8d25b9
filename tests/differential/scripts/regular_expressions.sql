-- escapes that say another thing in other grammars
with v (s) as (values ('ab'), ('a b'), (E'a\\b'), (E'x\bb'), ('a<b'), ('7x'), ('é'), ('_'), (''))
select s, s ~ '\bb', s ~ '\Bb', s ~ '\<a', s ~ 'a\>', s ~ '[\<]', s ~ '\ma', s ~ 'a\M', s ~ '\0', s ~ '\x0061b', s ~ '\cH' from v, types where id = 1;
-- a backslash
with v (s) as (values ('ab'), (E'a\\b'), (E'\\'), ('a%b'), (E'A\\B%'))
select s, s ~ '\\b', s ~ '[\\]b', s ~* 'a\\B', s ~ '^a\\', s ~ '\x5cb', s ~ 'x|\\b', s similar to 'a\\b', s similar to '%\\%' from v, types where id = 1;
-- characters that Rust has a use for in brackets
with v (s) as (values ('&'), ('a'), ('['), (']'), ('~'), ('-'), ('+'), ('.'), ('^'))
select s, s ~ '^[a&&b]$', s ~ '^[[]$', s ~ '^[~~x]$', s ~ '^[+--]$', s ~ '^[--/]$', s ~ '^[]]$', s ~ '^[^]]$', s ~ '[[:alpha:]-]', s ~ '[[.a.]]' from v, types where id = 1;
-- what is no escape 1
-- error: 2201B
select t ~ '\pL' from types;
-- what is no escape 2
-- error: 2201B
select t ~ '\x{61}' from types;
-- what is no escape 3
-- error: 2201B
select t ~ '\Qa\E' from types;
-- classes in SQL patterns
with v (s) as (values ('ab'), ('a b'), ('7x'), ('a1'), (']'), ('x|y'), ('"a"'), (E'A\nB'))
select s, s similar to '#d%' escape '#', s similar to '\w+', s similar to '[#w]+' escape '#', s similar to '[^#d]+' escape '#', s similar to '#D*' escape '#',
  s similar to 'x#|y' escape '#', s similar to '[#]]' escape '#', s similar to '[]a]%', s similar to '#ma#M%' escape '#', s similar to '#"a#"%' escape '#',
  s similar to '[[:alpha:]]+', s similar to '(a|b)(b|c)*', s not similar to '_#s_' escape '#' from v, types where id = 1;
