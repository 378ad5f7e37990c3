import { readFile } from 'node:fs/promises'

import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { until } from '../packages/server/src/testing/until.ts'
import { chromiumPath, type ConsolePage, launchBrowser, openConsole, phone } from './browser.ts'
import { copied, inspect, query } from './console-actions.ts'
import { startTestPlatform, type TestPlatform } from './platform.ts'

/** The console's SQL editor in a real browser, on real branches. */
describe.skipIf(chromiumPath === undefined)(
  'SQL editor (needs Chromium: apt install chromium)',
  () => {
    let platform: TestPlatform
    let browser: Browser
    let page: ConsolePage
    let address: string

    beforeAll(async () => {
      platform = await startTestPlatform()
      browser = await launchBrowser()
      page = await openConsole(browser, platform)
      address = `/projects/${platform.projectId}/sql`
      await query(
        platform.connectionUri,
        `create table person (id int primary key, full_name text, born date, data jsonb);
         insert into person values (1, 'Ada Lovelace', '1815-12-10', '{"tags": ["math", "engine"]}'),
           (2, '', null, null), (3, 'Grace Hopper', '1906-12-09', '{"rank": 8}');
         create table visit as select i as id, i % 1000 as person_id, md5(i::text) as page
           from generate_series(1, 200000) i;
         analyze`,
      )
      // A file that is saved is a download then, which a test can read.
      await page.addInitScript('delete window.showSaveFilePicker')
    })
    afterAll(async () => {
      await browser?.close()
      await platform?.remove()
    })

    const editor = (on: Page = page) => on.getByRole('textbox', { name: 'SQL' })
    const write = async (sql: string, on: Page = page): Promise<void> => {
      await editor(on).focus()
      await on.keyboard.press('ControlOrMeta+A')
      await on.keyboard.insertText(sql)
      await on.keyboard.press('Escape')
    }
    /** Ready when it is known where to run. */
    const visit = async (url: string): Promise<void> => {
      await page.goto(url)
      await until(
        async () => (await page.getByRole('combobox', { name: 'Database' }).inputValue()) !== '',
      )
    }
    const run = async (sql: string): Promise<void> => {
      await write(sql)
      await page.keyboard.press('Control+Shift+Enter')
    }
    const done = async (): Promise<void> =>
      page.getByRole('status').getByText('Done', { exact: true }).waitFor({ timeout: 60_000 })
    const grid = () => page.getByRole('grid', { name: 'Rows' })
    const cell = (row: number, column: number) =>
      grid().locator(`[data-row="${row}"][data-column="${column}"]`)
    const menu = async (button: string, item: string | RegExp): Promise<void> => {
      await page.getByRole('button', { name: button, exact: true }).click()
      await page.getByRole('menuitem', { name: item }).click()
    }

    test('completes columns and functions, and runs the statement at the cursor', async () => {
      await visit(address)
      await write('select full_name from person;\n\nselect 2 as two')
      await page.getByRole('button', { name: /^Run/ }).first().click()
      await grid().getByRole('columnheader', { name: /two/ }).waitFor()
      await write('select  from person order by id')
      await page.keyboard.press('Home')
      for (let step = 0; step < 'select '.length; step += 1) {
        await page.keyboard.press('ArrowRight')
      }
      await page.keyboard.type('full')
      await page.getByRole('option', { name: /full_name.*person/ }).waitFor()
      await inspect(page, 'sql-completion')
      await page.keyboard.press('Enter')
      await page.keyboard.insertText(', born, data, id')
      await page.keyboard.press('Control+Enter')
      await cell(0, 0).getByText('Ada Lovelace').waitFor()
      // An empty text is not NULL.
      expect(await cell(1, 0).textContent()).toBe('')
      expect(await cell(1, 1).textContent()).toBe('NULL')
      await cell(0, 2).dblclick()
      await page.getByRole('dialog').getByText('"engine"').waitFor()
      await page.getByRole('button', { name: 'Copy value' }).hover()
      await inspect(page, 'sql-value')
      await page.keyboard.press('Escape')
      await page.getByRole('dialog').waitFor({ state: 'hidden' })
      await cell(0, 0).click()
      await page.keyboard.press('Shift+ArrowDown')
      await page.keyboard.press('Shift+ArrowRight')
      await page.keyboard.press('Control+C')
      expect(await copied(page)).toBe('Ada Lovelace\t1815-12-10\n\t')
      await inspect(page, 'sql')
    })

    test('several statements have a result each, until one fails, which is underlined', async () => {
      await run(
        `create table made (n int);
insert into made select generate_series(1, 3);
do $$ begin raise notice 'look here'; end $$;
select * from made;
select missing_column
from made`,
      )
      await page.getByRole('alert').getByText('column "missing_column" does not exist').waitFor()
      const underlined = page.locator('.cm-lintRange-error')
      expect(await underlined.textContent()).toBe('missing_column')
      await underlined.hover()
      await page.locator('.cm-tooltip-lint').getByText('42703').waitFor()
      await page.getByRole('tab', { name: '2 · INSERT 3' }).waitFor()
      await inspect(page, 'sql-error')
      await page.getByRole('tab', { name: '3 · DO' }).click()
      await page.getByRole('list', { name: 'Notices' }).getByText('look here').waitFor()
      await page.getByRole('tab', { name: '4 · SELECT 3' }).click()
      await cell(2, 0).getByText('3').waitFor()
    })

    test('shows a million rows and scrolls to the last', async () => {
      await run(`select i as id, 'row ' || i as name from generate_series(1, 1000000) i`)
      await page.getByText('1,000,000 rows').waitFor({ timeout: 60_000 })
      await done()
      await grid().click()
      await page.keyboard.press('Control+End')
      await cell(999_999, 1).getByText('row 1000000').waitFor()
      await inspect(page, 'sql-million')
      await grid().evaluate((element) => (element.scrollTop = element.scrollHeight / 2))
      const first = grid().locator('[data-column="0"]').first()
      await until(async () => Math.abs(Number(await first.textContent()) - 500_000) < 1000)
      expect(await grid().getByRole('row').count()).toBeLessThan(80)
    })

    test('exports what is loaded, and copies it as INSERTs', async () => {
      await run('select id, full_name from person order by id')
      await done()
      const download = page.waitForEvent('download')
      await menu('Export', 'CSV')
      const file = await (await download).path()
      expect(await readFile(file, 'utf8')).toBe(
        'id,full_name\n1,Ada Lovelace\n2,""\n3,Grace Hopper\n',
      )
      await menu('Export', 'Copy as INSERTs')
      expect(await copied(page)).toContain(
        `INSERT INTO person ("id", "full_name") VALUES (3, 'Grace Hopper');`,
      )
    })

    test('what is stopped ends on the server', async () => {
      const sleeping = async () =>
        query(
          platform.connectionUri,
          `select count(*) from pg_stat_activity where query like 'select pg_sleep(600)%'`,
        )
      await run('select pg_sleep(600)')
      await until(async () => (await sleeping()) === '1')
      await page.getByRole('button', { name: 'Stop' }).click()
      await page.getByRole('status').getByText('Stopped').waitFor()
      await until(async () => (await sleeping()) === '0')
      // What has come by then stays, and can be had whole as a file.
      await run('select i from generate_series(1, 30000000) i')
      await page.getByText(/,\d{3} rows/).waitFor({ timeout: 60_000 })
      await page.getByRole('button', { name: 'Stop' }).click()
      await page.getByRole('status').getByText('Stopped').waitFor()
      await page.getByRole('button', { name: 'Export' }).click()
      await page.getByRole('menuitem', { name: 'All rows as NDJSON' }).waitFor()
      await page.keyboard.press('Escape')
    })

    test('a plan is a picture, and what is run for it is taken back', async () => {
      await write(
        `select full_name, count(*) from visit join person on person.id = person_id
where page like 'a%' group by 1 order by 2 desc`,
      )
      await menu('Explain', /^Explain:/)
      await page.getByRole('group', { name: 'Plan' }).getByText('Seq Scan').first().waitFor()
      await menu('Explain', /^Explain analyze/)
      await page.getByText('to run').waitFor()
      await inspect(page, 'sql-plan')
      await page.getByText('Text', { exact: true }).click()
      await page.getByText('Execution Time:').waitFor()
      await write('delete from person')
      await menu('Explain', /^Explain analyze/)
      const dialog = page.getByRole('dialog')
      await dialog.getByText('rolled back').waitFor()
      await dialog.getByRole('button', { name: 'Run and roll back' }).click()
      await page.getByRole('group', { name: 'Plan' }).getByText('Delete').waitFor()
      expect(await query(platform.connectionUri, 'select count(*) from person')).toBe('3')
    })

    test('saves a query for everybody, and remembers what was run', async () => {
      await write('select count(*) from person')
      await page.getByRole('button', { name: 'Save', exact: true }).click()
      await page.getByRole('textbox', { name: 'Name' }).fill('People')
      await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click()
      await page.getByRole('button', { name: 'People', exact: true }).waitFor()
      await write('select count(*) + 1 from person')
      await page.getByRole('button', { name: 'Save', exact: true }).click()
      await page.getByText('Saved People').waitFor()
      const path = { project_id: platform.projectId }
      const { saved_queries } = await platform.client.listSavedQueries({ path, query: {} })
      expect(saved_queries).toMatchObject([
        { name: 'People', sql: 'select count(*) + 1 from person' },
      ])
      const colleague = await openConsole(browser, platform)
      await colleague.goto(address)
      await colleague.getByRole('button', { name: 'Saved queries' }).click()
      await inspect(colleague, 'sql-saved')
      await colleague.getByRole('button', { name: /^People/ }).click()
      await colleague.getByRole('button', { name: 'People', exact: true }).waitFor()
      expect(await editor(colleague).textContent()).toBe('select count(*) + 1 from person')
      await colleague.context().close()

      await page.getByRole('button', { name: 'History' }).click()
      await page
        .getByRole('textbox', { name: 'Search history' })
        .fill('generate_series(1, 1000000)')
      await inspect(page, 'sql-history')
      await page
        .getByRole('dialog')
        .getByRole('button', { name: /1,000,000 rows/ })
        .click()
      expect(await editor().textContent()).toContain("'row ' || i")
    })

    test('a link brings SQL along and runs nothing, read only writes nothing', async () => {
      await visit(`${address}?sql=${encodeURIComponent('delete from person')}`)
      await page.getByRole('button', { name: 'Linked query', exact: true }).waitFor()
      expect(await editor().textContent()).toBe('delete from person')
      await page.getByText('Nothing has been run in this tab').waitFor()
      await until(() => !page.url().includes('sql='))
      await page.getByRole('switch', { name: 'Read only' }).check({ force: true })
      await editor().focus()
      await page.keyboard.press('Control+Enter')
      await page.getByText('cannot execute DELETE in a read-only transaction').waitFor()
      expect(await query(platform.connectionUri, 'select count(*) from person')).toBe('3')
    })

    test('looks at a moment, says so, and makes a branch of it', async () => {
      const path = { project_id: platform.projectId }
      const { branches } = await platform.client.listProjectBranches({ path, query: {} })
      const [branch] = branches
      const now = await query(
        platform.connectionUri,
        `select to_char(now() at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`,
      )
      await query(platform.connectionUri, `update person set full_name = 'Somebody else'`)
      await until(async () => {
        const history = { path: { ...path, branch_id: branch?.id ?? '' } }
        const { latest } = (await platform.client.getProjectBranchHistory(history)).history
        return latest !== undefined && Date.parse(latest.timestamp) > Date.parse(now)
      })
      await visit(`${address}?at=${now}`)
      await page.getByText('It can only be read').waitFor()
      await run('select full_name from person where id = 1')
      await done()
      await cell(0, 0).getByText('Ada Lovelace').waitFor()
      await inspect(page, 'sql-past')
      await page.getByRole('button', { name: 'Make a branch of this moment' }).click()
      await page.getByRole('textbox', { name: 'Name' }).fill('before')
      await page.getByRole('dialog').getByRole('button', { name: 'Create branch' }).click()
      await page.getByText('It can only be read').waitFor({ state: 'hidden' })
      await run('select full_name from person where id = 1')
      await done()
      await cell(0, 0).getByText('Ada Lovelace').waitFor()
      expect(await page.getByRole('combobox', { name: 'Branch' }).inputValue()).toBe('before')
      // Chromium's own editing styles what is typed, which the policy refuses before CodeMirror draws it.
      expect(
        page.complaints.filter((text) => !/style-src-attr|Applying inline/.test(text)),
      ).toEqual([])
    })

    test('can be used on a phone, in the dark', async () => {
      const visitor = await openConsole(browser, platform, { viewport: phone, scheme: 'dark' })
      await visitor.goto(address)
      await write('select * from person order by id', visitor)
      await visitor.getByRole('button', { name: /^Run/ }).first().click()
      await visitor.getByRole('grid', { name: 'Rows' }).getByText('Somebody else').first().waitFor()
      await inspect(visitor, 'phone-sql')
      const width = await visitor.evaluate('document.documentElement.scrollWidth')
      expect(width).toBeLessThanOrEqual(phone.width)
      await visitor.setViewportSize({ width: 1280, height: 860 })
      await inspect(visitor, 'dark-sql')
      await visitor.context().close()
    })
  },
)
