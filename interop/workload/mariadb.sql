-- The source tables in MariaDB. Changes that a foreign key makes by itself are not in the binary log, so there are no foreign
-- keys: the generator changes the rows that refer to others.
create database shop;
use shop;
set sql_mode = 'NO_BACKSLASH_ESCAPES';

create table customers(
  id bigint primary key, name varchar(80) not null, email text default 'none', city varchar(40) default 'nowhere',
  credit decimal(12,2) not null default 0, vip boolean not null default false,
  created_at timestamp(6) not null default current_timestamp(6), updated_at datetime(6) default '2000-01-01 00:00:00');

create table orders(
  id bigint primary key, customer_id bigint not null, status varchar(16) not null, total decimal(14,2) not null, note longtext,
  placed_on date not null, updated_at datetime(3), index(customer_id));

create table items(
  order_id bigint, line int, sku varchar(24) not null, qty int not null, price decimal(10,2) not null, primary key(order_id, line));

create table all_types(
  id int primary key,
  c_ti tinyint, c_tiu tinyint unsigned, c_bool boolean, c_si smallint, c_siu smallint unsigned, c_mi mediumint, c_miu mediumint unsigned,
  c_i int, c_iu int unsigned, c_bi bigint, c_biu bigint unsigned, c_f float, c_d double,
  c_dec decimal(10,2), c_decu decimal(10,2) unsigned, c_dec38 decimal(38,10), c_dec65 decimal(65,30), c_dec0 decimal(10,0),
  c_bit1 bit(1), c_bit10 bit(10), c_bit64 bit(64),
  c_char char(5), c_vc varchar(20), c_latin varchar(20) character set latin1, c_bin binary(4), c_vbin varbinary(100), c_blob blob,
  c_text text, c_ltext longtext,
  c_date date, c_time time, c_time3 time(3), c_time6 time(6), c_dt datetime, c_dt3 datetime(3), c_dt6 datetime(6),
  c_ts timestamp null, c_ts6 timestamp(6) null, c_year year, c_enum enum('a','b','c'), c_set set('x','y','z'), c_json json, c_uuid uuid,
  c_pt point);

-- extremes, and the values that are lost upstream (mariadb.go lists them)
insert into all_types(id) values(-1);
insert into all_types values(-2, -128, 255, true, -32768, 65535, -8388608, 16777215,
  2147483647, 4294967295, -9223372036854775808, 18446744073709551615, 1.5, 2.718281828459045,
  12345678.90, 99999999.99, -1234567890123456789012345678.0123456789,
  12345678901234567890123456789012345.123456789012345678901234567890, 9999999999,
  b'1', b'1000000001', b'1111111111111111111111111111111111111111111111111111111111111111',
  'ab', 'varchar', 'café', x'00ff', x'deadbeef', x'00010203', 'text 😀', 'longtext',
  '2024-02-29', '23:59:59', '12:34:56.789', '-838:59:59.000000', '2024-02-29 12:34:56', '2024-02-29 12:34:56.789', '2024-02-29 12:34:56.123456',
  '2024-02-29 12:34:56', '2024-02-29 12:34:56.123456', 2024, 'b', 'x,z', '{"a": 1,  "b": [1, 2.50, null]}',
  'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', point(1.5, -2));
insert into all_types(id, c_date, c_dt, c_dt6, c_ts, c_ts6, c_time6, c_year, c_text, c_blob, c_enum, c_set, c_json) values(-3,
  '0000-00-00', '0000-00-00 00:00:00', '0000-00-00 00:00:00', '0000-00-00 00:00:00', '0000-00-00 00:00:00',
  '838:59:59', 1901, '', '', '', '', 'null');
insert into all_types(id, c_date, c_dt, c_dt3, c_dt6, c_ts, c_ts6, c_time, c_year, c_ti, c_biu, c_bit64) values(-4,
  '9999-12-31', '9999-12-31 23:59:59', '1969-12-31 23:59:59.999', '9999-12-31 23:59:59.999999', '2038-01-19 03:14:07',
  '1970-01-01 00:00:01.000001', '-00:00:01', 2155, 127, 9223372036854775808, b'1');
