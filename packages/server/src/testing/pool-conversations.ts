import type { Exchange } from './conversation.ts'
import {
  bind,
  closePortal,
  closeStatement,
  copyData,
  copyDone,
  copyFail,
  describePortal,
  describeStatement,
  execute,
  flush,
  functionCall,
  parse,
  sync,
} from './frontend-messages.ts'
import { query } from './wire-client.ts'

/**
 * What clients say, by kind. Each begins and ends outside of a transaction, touches no table but its
 * own, whose columns are `n int primary key, text text`, and says the same whatever was said before.
 */
export const conversations: Record<string, (table: string) => Exchange[]> = {
  simple: (table) => [
    ready(query(`truncate ${table}; insert into ${table} values (1, 'one'), (2, null)`)),
    ready(query(`select * from ${table} order by n; select 2; selec 3; select 4`)),
    ready(query('')),
    ready(query(`begin; insert into ${table} values (3, 'three')`)),
    ready(query(`insert into ${table} values (3, 'again')`)),
    ready(query('select 1')),
    ready(query('commit')),
    ready(query(`select count(*) from ${table}`)),
    ready(query("do $$begin raise notice 'told'; raise warning 'warned'; end$$")),
    ready(query('select 1'), query('select 2'), query('select 1/0'), query('select 3')),
  ],

  extended: (table) => [
    ready(
      query(`truncate ${table}; insert into ${table} select i, i from generate_series(1, 9) i`),
    ),
    ready(parse('', 'select $1::int + 1 as sum, $2::text', [23]), bind('', ['41', null]), ...run()),
    ready(parse('', 'select $1::int', [23]), bind('', ['7'], { format: 1 }), ...run()),
    ready(parse('', `select text from ${table} where n = $1`), describeStatement(''), sync()),
    ready(bind('', ['5']), ...run()),
    ready(query('begin')),
    ready(
      parse('', `select n from ${table} order by n`),
      bind('', [], { portal: 'some' }),
      describePortal('some'),
      execute('some', 2),
      execute('some', 3),
      sync(),
    ),
    ready(execute('some', 100), closePortal('some'), execute('some'), sync()),
    ready(query('rollback')),
    ready(parse('', ''), bind(''), ...run()),
  ],

  'named statements': (table) => [
    ready(query(`truncate ${table}`)),
    ready(parse('add', `insert into ${table} values ($1::int, $2)`, []), sync()),
    ready(bind('add', ['1', 'one']), execute(), bind('add', ['2', 'two']), execute(), sync()),
    ready(describeStatement('add'), sync()),
    ready(parse('add', 'select 1'), sync()),
    ready(closeStatement('add'), parse('add', 'select $1::text', []), sync()),
    ready(bind('add', ['other text']), ...run()),
    ready(bind('unknown'), ...run()),
    ready(describeStatement('unknown'), sync()),
    ready(closeStatement('unknown'), sync()),
    ready(query('deallocate add')),
    ready(bind('add', ['gone']), ...run()),
    ready(parse('a', 'select 1'), parse('b', 'select 2'), parse('c', 'select 3'), sync()),
    ready(bind('c'), execute(), bind('a'), execute(), bind('b'), ...run()),
    ready(query('deallocate all')),
    ready(bind('b'), ...run()),
    ready(parse('A "b"', 'select 4'), sync(), bind('A "b"'), ...run()),
    ready(query('deallocate "A ""b"""')),
    ready(parse('d', `select ${'n + '.repeat(3)}n from ${table}`), sync()),
    ready(query('discard all')),
    ready(bind('d'), ...run()),
  ],

  'one unnamed statement after another': () => [
    ready(parse('', 'select 1'), sync()),
    ready(bind(''), ...run()),
    ready(query('select 2')),
    ready(bind(''), ...run()),
    ready(parse('', 'select 3'), sync()),
    ready(bind(''), execute(), sync(), bind(''), execute(), sync()),
    ready(closeStatement(''), bind(''), ...run()),
  ],

  'errors in a pipeline': (table) => [
    ready(query(`truncate ${table}`)),
    ready(
      parse('', `insert into ${table} values (1, 'undone')`),
      bind(''),
      execute(),
      parse('', 'select 1/0'),
      bind(''),
      execute(),
      parse('never', 'select 1'),
      bind('never'),
      execute(),
      closeStatement('never'),
      sync(),
      parse('', `select count(*) from ${table}`),
      bind(''),
      ...run(),
    ),
    ready(bind('never'), ...run()),
    ready(parse('never', 'select 5'), sync(), bind('never'), ...run()),
    ready(closeStatement('never'), bind('never'), execute(), sync(), sync(), sync()),
    ready(parse('bad', 'selec'), parse('good', 'select 6'), sync()),
    ready(bind('good'), ...run()),
    ready(parse('good', 'select 7'), parse('good', 'select 8'), bind('good'), ...run()),
    ready(bind('good'), ...run()),
    ready(closeStatement('good'), sync()),
    ready(query('begin'), parse('', 'select 1/0'), bind(''), ...run(), query('select 1')),
    ready(parse('', 'select 1'), bind(''), ...run()),
    ready(query('rollback'), bind('in failed'), ...run()),
  ],

  flush: (table) => [
    ready(query(`truncate ${table}`)),
    { send: together(parse('', `insert into ${table} values (1, $1)`), flush()), until: '1' },
    { send: together(describeStatement(''), flush()), until: 'tn' },
    { send: together(bind('', ['flushed']), execute(), flush()), until: '2C' },
    ready(sync()),
    { send: together(parse('f', 'select 1/$1::int'), flush()), until: '1' },
    { send: together(bind('f', ['0']), flush()), until: 'E' },
    ready(sync()),
    ready(bind('f', ['1']), ...run()),
    ready(closeStatement('f'), sync()),
  ],

  'copy in': (table) => [
    ready(query(`truncate ${table}`)),
    { send: query(`copy ${table} from stdin`), until: 'G' },
    { send: together(copyData('1\to'), copyData('ne\n2\t\\N\n'), copyDone()), until: 'Z' },
    ready(query(`copy ${table} from stdin; select 1`), copyData('3\tx\n'), copyDone()),
    ready(query(`copy ${table} from stdin`), copyData('4\tx\n'), copyFail('changed my mind')),
    ready(query(`copy ${table} from stdin`), copyData('not a number\n'), copyDone()),
    ready(query('copy nowhere from stdin'), copyData('1\n'), copyDone()),
    ready(
      parse('', `copy ${table} from stdin`),
      bind(''),
      execute(),
      copyData('5\ta\n'),
      copyDone(),
      sync(),
    ),
    ready(parse('', `copy ${table} from stdin`), bind(''), execute(), copyFail('no'), sync()),
    ready(
      parse('', `copy ${table} from stdin`),
      bind(''),
      execute(),
      copyData('x\n'),
      copyDone(),
      sync(),
    ),
    ready(query(`select * from ${table} order by n`)),
  ],

  'copy in, with the Sync of a driver that pipelines': (table) => [
    ready(query(`truncate ${table}`)),
    { send: together(parse('', `copy ${table} from stdin`), bind(''), ...run()), until: 'G' },
    ready(copyData('1\tone\n'), copyDone(), sync()),
    { send: together(parse('', `copy ${table} from stdin`), bind(''), ...run()), until: 'G' },
    ready(copyData('1\tone\n'), copyFail('no'), sync()),
    ready(query(`select * from ${table}`)),
  ],

  'copy in, with its end before its beginning': (table) => {
    const copy = [parse('', `copy ${table} from stdin`), bind(''), execute()]
    const copyNowhere = [parse('', 'copy nowhere from stdin'), bind(''), execute()]
    // Answered one after the other.
    const slowly = parse('', 'select 1 from pg_sleep(0.03)')
    const several = [slowly, bind(''), ...run(), sync(), bind(''), ...run()]
    return [
      ready(query(`truncate ${table}`)),
      { send: together(...copy, copyData('1\tone\n'), copyDone()), until: 'G' },
      ready(sync()),
      ready(...several),
      ready(query(`copy ${table} from stdin`), copyData('2\ttwo\n'), copyDone()),
      ready(...several),
      { send: together(...copy, sync(), copyData('3\tthree\n'), copyDone(), sync()), until: 'Z' },
      ready(...several),
      ready(query(`copy ${table} from stdin; copy ${table} from stdin`), copyDone(), copyDone()),
      ready(...several),
      // The end of what never began ends no other.
      ready(query('copy nowhere from stdin'), copyData('1\n'), copyDone()),
      { send: query(`copy ${table} from stdin`), until: 'G' },
      ready(copyData('4\tfour\n'), copyDone()),
      ready(...copyNowhere, copyData('1\n'), copyDone(), sync()),
      { send: together(...copy, sync()), until: 'G' },
      ready(copyData('5\tfive\n'), copyDone(), sync()),
      ready(...several),
      ready(query(`select * from ${table} order by n`)),
    ]
  },

  'copy out': (table) => [
    ready(
      query(`truncate ${table}; insert into ${table} select i, i from generate_series(1, 50) i`),
    ),
    ready(query(`copy (select * from ${table} order by n) to stdout`)),
    ready(query(`copy (select 1/(n - 3) from ${table} order by n) to stdout`)),
    ready(parse('', `copy (select n from ${table} order by n) to stdout`), bind(''), ...run()),
    ready(query(`copy (select 1) to stdout; copy (select 2) to stdout; select 3`)),
  ],

  'large messages': (table) => [
    ready(query(`truncate ${table}`)),
    ready(query("select repeat('x', 300000), n from generate_series(1, 3) n")),
    ready(query(`select length('${'y'.repeat(400_000)}')`)),
    ready(parse('', `select length('${'z'.repeat(300_000)}')`), bind(''), ...run()),
    ready(parse('big', `insert into ${table} values (1, $1) returning length(text)`), sync()),
    ready(bind('big', ['w'.repeat(200_000)]), ...run()),
    ready(bind('big', ['v'.repeat(200_000)]), ...run()),
    ready(closeStatement('big'), sync()),
    ready(query(`select length(text) from ${table}`), query(`selec '${'u'.repeat(100_000)}'`)),
  ],

  settings: () => [
    ready(query("set application_name = 'mine'; set work_mem = '3MB'")),
    ready(query('show application_name; show work_mem')),
    ready(query("begin; set local work_mem = '5MB'; show work_mem; rollback; show work_mem")),
    ready(query("begin; set timezone = 'Asia/Tokyo'; rollback; show timezone")),
    ready(query("select set_config('fuzz.tenant', 'seven', false)")),
    ready(query("select current_setting('fuzz.tenant')")),
    ready(parse('', 'set search_path = pg_catalog, public'), bind(''), ...run()),
    ready(query('show search_path')),
    ready(query('reset application_name; reset work_mem; reset search_path')),
    ready(query("set datestyle = 'German'; select date '2026-11-24'; reset datestyle")),
    ready(query('show work_mem; show search_path; show datestyle')),
    ready(query('discard all')),
  ],

  'state that stays on its connection': (table) => [
    ready(query(`listen ${table}`)),
    ready(query(`notify ${table}, 'first'`)),
    ready(query(`begin; notify ${table}, 'second'; select 1`), query('commit')),
    ready(query(`unlisten *; notify ${table}, 'unheard'`)),
    ready(query(`create temporary table of_${table} (n int); insert into of_${table} values (1)`)),
    ready(query(`select n + 0 from of_${table}`)),
    ready(query(`drop table of_${table}`)),
    ready(query(`select pg_advisory_lock(hashtext('${table}'))`)),
    ready(query(`select pg_advisory_unlock(hashtext('${table}'))`)),
    ready(query('prepare by_sql(int) as select $1 + 1')),
    ready(query('execute by_sql(41)')),
    ready(query('deallocate by_sql')),
    ready(query('begin; declare held cursor with hold for select generate_series(1, 3); commit')),
    ready(query('fetch 2 from held')),
    ready(query('close held')),
  ],

  'function calls': () => [
    ready(functionCall(oidOfInt4Add, ['40', '2'])),
    ready(functionCall(oidOfInt4Add, ['x', '2'])),
    ready(query('begin'), functionCall(oidOfInt4Add, ['1', '2']), query('commit')),
  ],
}

/** `int4pl` of pg_proc, the same in every version. */
const oidOfInt4Add = 177

function together(...messages: readonly Buffer[]): Buffer {
  return Buffer.concat(messages)
}

function run(): Buffer[] {
  return [execute(), sync()]
}

/** As many ReadyForQuery as there are Query, Sync and FunctionCall messages. */
function ready(...messages: readonly Buffer[]): Exchange {
  const count = messages.filter((one) => 'QSF'.includes(String.fromCharCode(one[0] ?? 0))).length
  return { send: together(...messages), until: 'Z'.repeat(count) }
}
