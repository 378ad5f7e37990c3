import type { Browser, Locator } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { type Change, renderTransaction } from '../packages/console/src/sql/transaction.ts'
import { hasChinook } from '../packages/server/src/schema/testing/chinook.ts'
import { until } from '../packages/server/src/testing/until.ts'
import {
  chromiumPath,
  type ConsolePage,
  desktop,
  launchBrowser,
  openConsole,
  phone,
} from './browser.ts'
import { inspect, query } from './console-actions.ts'
import { startTestPlatform, type TestPlatform } from './platform.ts'

const hostileTable = String.raw`it's $$ \ a; "table" --`
const hostileColumn = String.raw`va\lue'$$"`

const setup = String.raw`
  create type mood as enum ('happy', 'so-so', 'it''s bad');
  create table author (
    id serial primary key,
    name text not null constraint name_length check (length(name) < 50),
    mood mood,
    active boolean not null default true,
    data jsonb,
    born date,
    tags text[],
    note text,
    letters int generated always as (length(name)) stored,
    unique (name)
  );
  comment on table author is 'Who writes';
  insert into author (name, mood, data, tags, born, note) values
    ('Ada', 'happy', '{"a": 12345678901234567890, "b": [1, 2]}', '{x,"y z"}', '1815-12-10', ''),
    ('Bo', null, null, '{}', null, E'two\nlines');
  insert into author (name) select 'Author ' || i from generate_series(3, 21) i;
  create table book (
    id int generated always as identity primary key,
    author_id int not null references author,
    title text not null,
    price numeric(8, 2)
  );
  insert into book (author_id, title, price)
    select i % 20 + 1, 'Book ' || i, case when i % 10 > 0 then i end from generate_series(1, 100000) i;
  create index book_author on book (author_id);
  create schema "Sales ""EU""";
  create table "Sales ""EU"""."it's $$ \ a; ""table"" --" (
    "select" int, "x""y" text, "va\lue'$$""" text, primary key ("select", "x""y"));
  insert into "Sales ""EU"""."it's $$ \ a; ""table"" --" values (1, 'it''s', 'old');
  create view names as select name from author;
  create table log (line text);
  insert into log select 'line ' || i from generate_series(1, 250) i;
  create table event (at date, what text) partition by range (at);
  create table event_2026 partition of event for values from ('2026-01-01') to ('2027-01-01');
  analyze;`

/** The page of tables in a real browser against a real platform. */
describe.skipIf(chromiumPath === undefined)(
  'console tables (needs Chromium: apt install chromium)',
  () => {
    let platform: TestPlatform
    let browser: Browser
    let page: ConsolePage
    let base: string

    beforeAll(async () => {
      platform = await startTestPlatform()
      await sql(setup)
      browser = await launchBrowser()
      page = await openConsole(browser, platform)
      base = `/projects/${platform.projectId}/tables`
    })
    afterAll(async () => {
      await browser?.close()
      await platform?.remove()
    })

    const sql = async (statement: string): Promise<string> =>
      query(platform.connectionUri, statement)
    const open = async (table: string, more = '', schema = 'public'): Promise<void> => {
      const params = new URLSearchParams({ schema, table })
      await page.goto(`${base}?${params}${more}`)
      await page.getByRole('grid').waitFor()
    }
    const grid = (): Locator => page.getByRole('grid')
    const row = (text: string): Locator => grid().getByRole('row').filter({ hasText: text })
    /** By its column's place, from 0. */
    const cell = (text: string, column: number): Locator =>
      row(text)
        .getByRole('gridcell')
        .nth(column + 1)
    const type = async (at: Locator, value: string): Promise<void> => {
      await at.dblclick()
      await at.getByRole('textbox').fill(value)
      await page.keyboard.press('Enter')
    }
    const act = async (name: string, action: string): Promise<void> => {
      await page
        .getByRole('button', { name: `Actions for ${name}`, exact: true })
        .first()
        .click()
      await page.getByRole('menuitem', { name: action, exact: true }).click()
    }
    const review = async (): Promise<Locator> => {
      await page.getByRole('button', { name: 'Review', exact: true }).click()
      return page.getByRole('dialog', { name: 'Review the transaction' })
    }
    const apply = async (): Promise<void> => {
      const dialog = await review()
      await dialog.getByRole('button', { name: /^Apply/ }).click()
      await dialog.waitFor({ state: 'hidden' })
    }

    test('tables are found by name, with their kinds', async () => {
      await page.goto('/projects')
      await page.goto(`/projects/${platform.projectId}`)
      await page.getByRole('link', { name: 'Tables', exact: true }).click()
      const list = page.getByRole('navigation', { name: 'Tables' })
      await list.getByRole('link', { name: /event_2026/ }).waitFor()
      await list.getByLabel('partitioned table').waitFor()
      await inspect(page, 'tables-none')
      await page.getByLabel('Search tables').fill("it's $$")
      await list.getByRole('link', { name: hostileTable }).click()
      await page.getByRole('heading', { name: hostileTable }).waitFor()
      await page.getByLabel('Search tables').fill('book')
      await until(async () => (await list.getByRole('link').count()) === 1)
    })

    test('a hundred thousand rows are sorted and walked through page by page', async () => {
      await open('book')
      await page.getByText('of about 100k rows').waitFor()
      await page
        .getByRole('columnheader', { name: /^price/ })
        .getByRole('button')
        .click()
      await grid().getByText('Book 1', { exact: true }).waitFor()
      await inspect(page, 'tables-book')
      // What comes after a row that is the last of its page.
      await cell('Book 1', 0).first().click()
      await until(async () => {
        await page.keyboard.press('Control+End')
        return (await grid().getByText('Book 222', { exact: true }).count()) > 0
      })
      expect(await grid().getByRole('row').count()).toBeLessThan(60)
      await page.getByRole('button', { name: 'Count them' }).click()
      await page.getByText('of 100,000 rows').waitFor()
      // Highest of all, so first when the highest are.
      await page
        .getByRole('columnheader', { name: /^price/ })
        .getByRole('button')
        .click()
      await grid().getByText('Book 10', { exact: true }).waitFor()
      expect(await cell('Book 10', 3).first().textContent()).toBe('NULL')
    })

    test('conditions are joined, and stand in the address but for one in SQL', async () => {
      await open('book')
      const addFilter = async (column: string, condition: string, value?: string) => {
        await page.getByRole('button', { name: 'Filter' }).click()
        await page.getByRole('combobox', { name: 'Column' }).click()
        await page.getByRole('option', { name: column, exact: true }).click()
        await page.getByRole('combobox', { name: 'Condition' }).click()
        await page.getByRole('option', { name: condition, exact: true }).click()
        if (value !== undefined) await page.getByLabel('Value').fill(value)
        await page.getByRole('button', { name: 'Add condition' }).click()
      }
      await addFilter('author_id', 'is one of', '2, 3')
      await addFilter('price', 'is not NULL')
      await addFilter('title', 'matches (regex)', '^Book \\d{2}$')
      await page.getByText('8 rows', { exact: true }).waitFor()
      await page.getByRole('button', { name: 'Filter' }).click()
      await page.getByRole('button', { name: 'Write SQL instead' }).click()
      const where = page.getByRole('textbox', { name: 'Condition in SQL' })
      await where.fill('price > 50 -- half')
      await where.press('Enter')
      await page.getByText('4 rows', { exact: true }).waitFor()
      await inspect(page, 'tables-filters')
      await where.fill('price > ')
      await where.press('Enter')
      await page.getByText('syntax error at or near ")"').waitFor()
      await page.reload()
      await page.getByText('8 rows', { exact: true }).waitFor()
      expect(decodeURIComponent(page.url())).not.toContain('half')
      await page.getByRole('button', { name: 'Columns' }).click()
      await page.getByRole('checkbox', { name: 'price' }).click()
      await page.getByRole('columnheader', { name: /^price/ }).waitFor({ state: 'hidden' })
    })

    test('changes gather, are reviewed to the letter, and are written together', async () => {
      await open('author')
      await type(cell('Ada', 1), `Ada "O'Neil" \\ $$ 🐘`)
      await cell('Bo', 2).dblclick()
      await cell('Bo', 2).getByRole('combobox').selectOption("it's bad")
      await cell('Bo', 3).dblclick()
      await cell('Bo', 3).getByRole('combobox').selectOption('false')
      await cell('Bo', 5).dblclick()
      await cell('Bo', 5).getByLabel('New value of born').fill('2001-02-03')
      await page.keyboard.press('Enter')
      await cell('Bo', 4).dblclick()
      const json = page.getByRole('dialog', { name: 'data' })
      await json.getByRole('textbox').fill('{"a": 1,}')
      await json.getByText('This is not JSON').waitFor()
      expect(await json.getByRole('button', { name: 'Keep' }).isDisabled()).toBe(true)
      await json.getByRole('textbox').fill('{"big": 12345678901234567890}')
      await json.getByRole('button', { name: 'Format' }).click()
      await inspect(page, 'tables-json')
      await json.getByRole('button', { name: 'Keep' }).click()
      await cell('Ada', 7).dblclick()
      await cell('Ada', 7).getByRole('button', { name: 'Set to NULL' }).click()
      // Generated.
      await cell('Ada', 8).dblclick()
      await page.getByText('PostgreSQL gives letters its value').first().waitFor()
      await act('21', 'Delete')
      await page.getByRole('button', { name: 'Row', exact: true }).click()
      const fresh = grid().getByRole('row').nth(1).getByRole('gridcell').nth(2)
      await type(fresh, "New'); drop table log; --")
      await page.getByText('4 changes not written yet').waitFor()
      await inspect(page, 'tables-pending')
      expect(await sql('select count(*) from author where mood is not null')).toBe('1')
      const dialog = await review()
      await dialog.getByText(`SET "name" = E'Ada "O''Neil" \\\\ $$ 🐘'`).waitFor()
      await dialog
        .getByText(/DELETE FROM "public"."author"\s+WHERE "id" = '21' AND xmin = /)
        .waitFor()
      await inspect(page, 'tables-review')
      await dialog.getByRole('button', { name: 'Apply 4 changes' }).click()
      await page.getByText('4 changes committed').waitFor()
      expect(await sql(`select name, note is null from author where id = 1`)).toBe(
        `Ada "O'Neil" \\ $$ 🐘|t`,
      )
      expect(await sql('select mood, active, data, born from author where id = 2')).toBe(
        `it's bad|f|{"big": 12345678901234567890}|2001-02-03`,
      )
      expect(await sql('select id from author where id > 20')).toBe('22')
      expect(await sql('select name from author where id = 22')).toBe("New'); drop table log; --")
    })

    test('a row that somebody has changed meanwhile stops all, and is shown as it is', async () => {
      await open('author')
      await type(cell('Author 5', 1), 'Mine')
      await type(cell('Author 6', 1), 'Also mine')
      await sql(`update author set name = 'Theirs' where id = 6`)
      const dialog = await review()
      await dialog.getByRole('button', { name: /^Apply/ }).click()
      const failed = dialog.getByRole('region', { name: 'Update public.author 6' })
      await failed.getByText('Somebody has changed this row since you read it').waitFor()
      await failed.getByText('“Author 6” → now “Theirs”, yours “Also mine”').waitFor()
      await inspect(page, 'tables-conflict')
      expect(await sql('select name from author where id = 5')).toBe('Author 5')
      await failed.getByRole('button', { name: 'Write mine over it' }).click()
      await dialog.getByRole('button', { name: /^Apply/ }).click()
      await dialog.waitFor({ state: 'hidden' })
      expect(await sql('select name from author where id in (5, 6) order by id')).toBe(
        'Mine\nAlso mine',
      )

      await act('7', 'Delete')
      await sql('delete from book where author_id = 7; delete from author where id = 7')
      await (await review()).getByRole('button', { name: /^Apply/ }).click()
      await dialog.getByText('This row is not there any more').waitFor()
      await dialog.getByRole('button', { name: 'Drop: Delete from public.author 7' }).click()
      await dialog.waitFor({ state: 'hidden' })
    })

    test('what a constraint refuses is told at the change that it refuses', async () => {
      await open('author')
      await type(cell('Author 8', 1), 'x'.repeat(60))
      await act('9', 'Delete')
      const dialog = await review()
      await dialog.getByRole('button', { name: /^Apply/ }).click()
      const tooLong = dialog.getByRole('region', { name: 'Update public.author 8' })
      await tooLong.getByText('name_length').waitFor()
      await dialog.getByRole('button', { name: 'Drop: Update public.author 8' }).click()
      await dialog.getByRole('button', { name: /^Apply/ }).click()
      const referred = dialog.getByRole('region', { name: 'Delete from public.author 9' })
      await referred.getByText('SQLSTATE 23503').waitFor()
      expect(await sql('select name from author where id in (8, 9) order by id')).toBe(
        'Author 8\nAuthor 9',
      )
      await dialog.getByRole('button', { name: 'Go on editing' }).click()

      // What waits is not lost by going elsewhere.
      await page.getByRole('link', { name: 'Operations', exact: true }).click()
      await page.getByRole('button', { name: 'Stay' }).click()
      await page.getByRole('link', { name: /^table log/ }).click()
      await page.getByText('1 change not written yet').waitFor()
      await page.getByRole('button', { name: 'Discard' }).click()
      await page.getByRole('link', { name: 'Operations', exact: true }).click()
      await page.getByRole('heading', { name: 'Operations', level: 1 }).waitFor()
    })

    test('names and values that try to break out are only names and values', async () => {
      await open(hostileTable, '', 'Sales "EU"')
      await type(cell("it's", 2), `'; drop schema public cascade; --`)
      await act("1, it's", 'Duplicate')
      await until(async () => (await grid().getByRole('row').count()) === 3)
      const copy = grid().getByRole('row').nth(1).getByRole('gridcell')
      await type(copy.nth(1), '2')
      await apply()
      await grid().getByText('2', { exact: true }).waitFor()
      const found = await sql(
        String.raw`select "select", "va\lue'$$""" from "Sales ""EU"""."it's $$ \ a; ""table"" --" order by 1`,
      )
      expect(found).toBe(`1|'; drop schema public cascade; --\n2|'; drop schema public cascade; --`)
      await page
        .getByRole('columnheader', { name: new RegExp(`^va`) })
        .getByRole('button')
        .click()
      await page.getByRole('button', { name: 'Filter' }).click()
      await page.getByRole('combobox', { name: 'Column' }).click()
      await page.getByRole('option', { name: hostileColumn, exact: true }).click()
      await page.getByLabel('Value').fill(`'; drop schema public cascade; --`)
      await page.getByRole('button', { name: 'Add condition' }).click()
      await page.getByText('2 rows', { exact: true }).waitFor()
    })

    test('every value is written as it is, and read again', async () => {
      const hostile = [
        "'",
        "''",
        '\\',
        "\\'",
        '$$',
        '$a$',
        '"',
        ';',
        '--',
        '\n',
        '\t',
        '🐘',
        'é',
        '%',
      ]
      const values = hostile.flatMap((one) => hostile.map((other) => `${one}${other}x${one}`))
      await sql('create table kept (n int primary key, value text)')
      const table = { schema: 'public', name: 'kept' }
      const changes = values.map((value, n): Change => ({
        id: String(n),
        kind: 'insert',
        table,
        values: { n: String(n), value },
      }))
      const run = async (statements: string) => {
        const rows: (string | null)[][] = []
        for await (const line of await platform.client.queryProjectBranch({
          path: { project_id: platform.projectId, branch_id: 'main' },
          body: { sql: statements, db_name: 'neondb' },
        })) {
          expect(line.type).not.toBe('error')
          if (line.type === 'rows') rows.push(...line.rows)
        }
        return rows
      }
      // As somebody may have set it for a role.
      await run(`set standard_conforming_strings = off;\n${renderTransaction(changes)}`)
      expect(await run('select value from kept order by n')).toEqual(values.map((one) => [one]))
    })

    test('a foreign key leads to its row, and a row knows who refers to it', async () => {
      await open('book', '&filters=[["id","=","41"]]')
      await page.getByRole('link', { name: 'Go to author 2' }).click()
      await page.getByRole('heading', { name: 'author', exact: true }).waitFor()
      await page.getByText('1 row', { exact: true }).waitFor()
      await act('2', 'Open')
      const drawer = page.getByRole('dialog', { name: 'author 2' })
      await drawer.getByText('two\nlines').waitFor()
      const referring = drawer.getByRole('region', { name: 'Who refers to this row' })
      await referring.getByText('more than 1000').waitFor()
      await inspect(page, 'tables-row')
      await referring.getByRole('link', { name: 'public.book' }).click()
      await page.getByRole('heading', { name: 'book', exact: true }).waitFor()
      await grid().getByText('Book 41', { exact: true }).waitFor()
      expect(new URL(page.url()).searchParams.get('filters')).toBe('[["author_id","=","2"]]')
    })

    test('structure and statistics say what the catalog says', async () => {
      await open('author')
      await page.getByRole('tab', { name: 'Structure' }).click()
      await page.getByText('CHECK (length(name) < 50)').waitFor()
      await page.getByText('CREATE TABLE public.author').waitFor()
      expect(await page.getByText('CREATE TABLE public.book').count()).toBe(0)
      await inspect(page, 'tables-structure')
      await page.getByRole('tab', { name: 'Statistics' }).click()
      await page.getByText('Last analyze').waitFor()
      await inspect(page, 'tables-statistics')
    })

    test('what cannot be edited says why', async () => {
      await open('names')
      await page.getByText('Read only. A view has no rows of its own').waitFor()
      await open('log')
      await page.getByText('Read only. Without a primary key').waitFor()
      await grid().getByText('line 1', { exact: true }).waitFor()
      await grid().getByText('line 1', { exact: true }).click()
      await page.keyboard.press('Control+End')
      await until(async () => {
        await page.keyboard.press('Control+End')
        return (await grid().getByText('line 250', { exact: true }).count()) > 0
      })
    })

    test('a moment of the past is read, and not changed', async () => {
      const then = new Date()
      // The field takes seconds.
      await until(() => Date.now() - then.getTime() > 2000)
      await sql(`update author set name = 'Later' where id = 1`)
      await open('author', `&at=${new Date(then.getTime() + 1000).toISOString()}`)
      await page.getByText('Read only. This is the past').waitFor()
      await row(`Ada "O'Neil"`).waitFor()
      await inspect(page, 'tables-past')
    })

    test.runIf(hasChinook)('real data: Chinook, from a track to its album', async () => {
      const data = process.env['COPPICE_TEST_DATA']
      await platform.shell(
        `psql -q -v ON_ERROR_STOP=1 "${platform.connectionUri}" < "${data}/chinook.sql"`,
      )
      await open('track', '&database=chinook')
      await grid().getByText('For Those About To Rock (We Salute You)').waitFor()
      await inspect(page, 'tables-chinook')
      await page.getByRole('link', { name: 'Go to album 1' }).first().click()
      await grid().getByText('For Those About To Rock We Salute You').waitFor()
      expect(new URL(page.url()).searchParams.get('database')).toBe('chinook')
    })

    test('it can be used on a phone, in the dark', async () => {
      const visitor = await openConsole(browser, platform, { viewport: phone, scheme: 'dark' })
      await visitor.goto(base)
      await visitor.getByRole('link', { name: /^table author/ }).waitFor()
      await inspect(visitor, 'phone-tables-list')
      await visitor.getByRole('link', { name: /^table author/ }).click()
      await visitor.getByRole('grid').waitFor()
      await inspect(visitor, 'phone-tables')
      expect(await visitor.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(
        phone.width,
      )
      await visitor.setViewportSize(desktop)
      await inspect(visitor, 'dark-tables')
      await visitor.context().close()
    })
  },
)
