-- The rows that break readers and writers: ends of ranges, signs of nothing, everything that needs escaping.

INSERT INTO numbers (small, whole, big, exact, price, single, double, cash, share, flag, object) VALUES
    (-32768, -2147483648, -9223372036854775808, 'NaN', -9999999999.99, '-Infinity', 'NaN', '-1234.50', 0, false, 0),
    (32767, 2147483647, 9223372036854775807, 1e-30, 0.00, 1.17549435e-38, 5e-324, 0, 100, true, 4294967295),
    (0, 0, 0, 123456789012345678901234567890.000000000000000000012300, 0.10, 0.1, 0.1, 92233720368547758.07, 33.33, null, 1),
    (null, 7, null, '-Infinity', null, '-0', '-0', null, null, null, null),
    (1, 1, 9007199254740993, 1.50, 1e3, 16777217, 9007199254740993, 1, 0.01, true, 2);

INSERT INTO texts (id, plain, short, fixed, one, identifier, loose, product, feeling, bytes, markup, path) VALUES
    ('00000000-0000-0000-0000-000000000000', '', '', '', '', '', '', 'AB-123', 'sad', '', '', '$'),
    ('ffffffff-ffff-ffff-ffff-ffffffffffff', E'a\tb\nc\rd\\e\\N\b\f\v', E'\t\n', 'a', 'x', 'pg', 'Straße', 'ZZ-99999',
        'it''s "odd", {really}\', '\x000a0d5c22272cff', '<a b="c">é &amp; ü</a>', '$.a[*] ? (@ > 1)'),
    ('6f1c5a3e-1b2c-4d5e-8f90-a1b2c3d4e5f6', '"quoted", ''single'', ; -- /* */ $1 :x {a} \. \x41', '"",''', ' b ', null, null,
        'STRASSE', 'AB-12345', 'ok', decode(repeat('00ff', 2000), 'hex'), '<!-- , --><x/>', 'strict $."k e y"'),
    ('a0000000-0000-4000-8000-000000000001', 'Ωμέγα 日本語 🦀 e' || U&'\0301' || U&'\200D' || '‮', '🦀🦀🦀🦀🦀', '日本', 'z', 'ñ', 'ÀÉ',
        'CD-000', 'happy', null, null, null),
    ('a0000000-0000-4000-8000-000000000002', '\N', '\N', '\N', '\', '\.', 'null', 'EF-111', null, '\x5c4e', null, null),
    ('a0000000-0000-4000-8000-000000000003', 'NULL', 'null', 'nul', null, null, null, 'EF-112', null, null, null, null),
    ('a0000000-0000-4000-8000-000000000004', repeat('long, "line"' || chr(10), 5000), null, null, null, null, 'x', 'EF-113', null, null, null, null);

INSERT INTO times VALUES
    (1, '4713-01-01 BC', '00:00', '00:00', '00:00+15:59', '4713-01-01 00:00 BC', '0001-01-01', '4713-01-02 00:00+00 BC', '0001-01-01 00:00+00', '-178000000 years', '-1 day -02:03:04.05'),
    (2, '5874897-12-31', '24:00', '23:59:59.999', '24:00-15:59', '294276-12-31 23:59:59.999999', '294276-12-31', '294276-12-31 23:59:59.999999+00', '2038-01-19 03:14:08.123+00', '178000000 years', '999 days'),
    (3, 'infinity', '12:34:56.789012', '12:34:56.789', '12:34:56.789012+05:30', 'infinity', '-infinity', 'infinity', '-infinity', '1 year 2 mons 3 days 04:05:06.789012', '0'),
    (4, '-infinity', null, null, null, '-infinity', null, '-infinity', null, '1 mon -1 day 00:00:00.000001', null),
    (5, '2024-02-29', '02:30', '02:30:00.5', '02:30+01', '2024-03-31 02:30', '2024-02-29', '2024-10-27 02:30:00.123456 Europe/Berlin', '1969-12-31 23:59:59.999+00', '-00:00:00.000001', '1 day 0.01 sec');

INSERT INTO documents VALUES
    (1, '{"b":1, "a" : [1,2,{"c":null}],"b":2}', '{"a": [1, 2.50, 1e400, -0, "\u00e9\"\\\n", null, true]}', '"a b"=>"1,2", c=>NULL, ""=>""', 'Top.Science', 'a fat cat', 'fat & (rat | cat:*)'),
    (2, 'null', 'null', '', '', '', ''),
    (3, '"text"', '"text with \t tab"', 'k=>"it''s \"so\""', 'a.b.c', '''it''''s'':1A ''new'':2B,3', '!x <-> ''y z'''),
    (4, '[]', '[]', null, null, null, null),
    (5, '12345678901234567890.123456789', '12345678901234567890.123456789', null, null, null, null);

INSERT INTO networks VALUES
    (1, '0.0.0.0', '0.0.0.0/0', '00:00:00:00:00:00', '00:00:00:00:00:00:00:00', B'00000000', B'', '0/0', '3', 'pg_class', 'integer'),
    (2, '255.255.255.255/8', '10.0.0.0/8', 'ff:ff:ff:ff:ff:ff', 'ff:ff:ff:ff:ff:ff:ff:ff', B'11111111', B'1010101010101010', 'FFFFFFFF/FFFFFFFF', '18446744073709551615', 'numbers', 'mood'),
    (3, '2001:db8::ff00:42:8329/64', '2001:db8::/32', null, null, null, B'0', '16/B374D848', null, null, 'timestamp with time zone'),
    (4, '::1', '::1/128', null, null, null, null, null, null, null, null);

INSERT INTO shapes VALUES
    (1, '(0,-0)', '{1,2,3}', '[(0,0),(1,1)]', '(1,1),(0,0)', '[(0,0),(1,1),(2,0)]', '((0,0),(1,1),(2,0))', '<(0,0),1>'),
    (2, '(1e308,-1e-308)', '{-1,0,0.1}', '[(0.1,0.2),(0.3,0.4)]', '(0.3,0.4),(0.1,0.2)', '((0,0),(1,1),(2,0))', '((0.1,0.2))', '<(0.1,0.2),0>'),
    (3, '(NaN,Infinity)', null, null, null, null, null, null);

INSERT INTO ranges VALUES
    (1, 'empty', 'empty', 'empty', 'empty', 'empty', 'empty', 'empty', '{}', '{}', '{}'),
    (2, '(,)', '(,)', '(,)', '(,)', '(,)', '(,)', '(,)', '{(,)}', '{(,)}', '{(,)}'),
    (3, '[1,10)', '[-9223372036854775808,0)', '(1.50,2.5]', '["2024-01-01 00:00","2024-01-02 00:00:00.5")', '["2024-01-01 00:00+00",infinity]', '[2024-02-28,2024-03-01)', '[-0.5,Infinity)', '{[1,3),[5,8)}', '{[2024-01-01,2024-01-02),[2024-02-01,)}', '{["2024-01-01 00:00+00","2024-01-02 00:00+00")}'),
    (4, null, null, null, null, null, null, null, null, null, null);

INSERT INTO lists VALUES
    (1, '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}'),
    (2, '{1,null,-3}', '{{1,2},{3,4}}', '{"a,b","\"q\"","\\N","",null,"NULL"," sp ","{x}"}', '{1.50,null}', '{infinity,"2024-01-01 00:00+00"}', '{a0000000-0000-4000-8000-000000000001}', '{"{\"a\": [1, \"x,y\"]}",null}', '{ok,"it''s \"odd\", {really}\\"}', '{"\\\\x00ff",null}', '{"[2024-01-01,2024-01-02)",empty}', '{t,f,null}'),
    (3, '[0:2]={7,8,9}', '{{1,2,3},{4,null,6}}', E'{"tab\there","line\nthere"}', null, null, null, null, null, null, null, null);

INSERT INTO composites VALUES
    (1, '(1,2,3,)', '{}', '{0,100}'),
    (2, '(,,,"a ""quoted"", (name)")', ARRAY['(1,2,3,"x,y")'::colour, null, '(,,,)'], null),
    (3, null, null, '{99.99,null}');
