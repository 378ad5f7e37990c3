import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { until } from '../packages/server/src/testing/until.ts'
import { chromiumPath, type ConsolePage, launchBrowser, openConsole, phone } from './browser.ts'
import { confirmByName, copied, inspect, query } from './console-actions.ts'
import { startTestPlatform, type TestPlatform } from './platform.ts'

/** The console's pages Schema and Migrations against a real platform. */
describe.skipIf(chromiumPath === undefined)(
  'console: schema and migrations (needs Chromium: apt install chromium)',
  () => {
    let platform: TestPlatform
    let browser: Browser
    let page: ConsolePage
    let base: string
    let feature: string

    beforeAll(async () => {
      platform = await startTestPlatform()
      browser = await launchBrowser()
      page = await openConsole(browser, platform)
      base = `/projects/${platform.projectId}`
      await onMain(
        `create table users (id int primary key, name text not null, plan text default 'free', email text);
         create table orders (id int primary key, user_id int references users, total numeric(10, 2));
         create view totals as select user_id, sum(total) as total from orders group by 1;
         insert into users select n, 'u' || n from generate_series(1, 2000) n;
         insert into orders select n, n, n from generate_series(1, 2000) n`,
      )
      await platform.neon('branches', 'create', '--name', 'feature/names')
      feature = await platform.neon('connection-string', 'feature/names')
    })
    afterAll(async () => {
      await browser?.close()
      await platform?.remove()
    })

    const onMain = async (sql: string) => query(platform.connectionUri, sql)
    const onBranch = async (sql: string) => query(feature, sql)
    const branchNames = async (): Promise<string[]> => {
      const path = { project_id: platform.projectId }
      const { branches } = await platform.client.listProjectBranches({ path, query: {} })
      return branches.map(({ name }) => name).toSorted()
    }
    /** For what copies branches, on a machine that has much to do. */
    const patiently = { timeout: 60_000 }
    const differing = (name: string) =>
      page.getByRole('navigation', { name: 'What differs' }).getByRole('button', { name })
    const region = (name: string) => page.getByRole('region', { name, exact: true })

    test('schema: branches that are alike, and conflicts with all three definitions', async () => {
      await page.goto(`${base}/branches`)
      await page.getByRole('button', { name: 'Actions for feature/names' }).click()
      await page.getByRole('menuitem', { name: 'Compare' }).click()
      await page.getByRole('heading', { name: 'Schema', level: 1 }).waitFor()
      await page.getByText('The schemas are the same').waitFor(patiently)
      await onBranch(`alter table users alter plan set default 'team'`)
      await onMain(`alter table users alter plan set default 'trial'`)
      await page.getByRole('button', { name: 'Read again' }).click()
      await differing('table users').waitFor()
      await page.getByRole('button', { name: 'Merge into main' }).click()
      const merge = region('Merge into main')
      await merge.getByText('Both have changed the same things differently').waitFor(patiently)
      await merge.getByText('column users.plan').waitFor()
      await inspect(page, 'schema-conflict')
      await page.getByRole('button', { name: 'Close the merge' }).click()
      await onMain(`alter table users alter plan set default 'free'`)
      // The copies that it was worked out on are gone.
      await until(async () => (await branchNames()).length === 2)
    })

    test('schema: a merge is asked about, rehearsed, applied, and says the way back', async () => {
      await onBranch(
        `alter table users rename column name to full_name;
         alter table users drop column email, add column active boolean not null default true;
         create index orders_user on orders (user_id);
         create function full(u users) returns text language sql stable as 'select u.full_name'`,
      )
      await onMain('alter table orders add column note text')
      await page.getByRole('button', { name: 'Read again' }).click()
      const diff = page.getByRole('group', { name: 'The schemas beside each other' })
      await diff.getByText('full_name').first().waitFor()
      await differing('index orders_user').click()
      await inspect(page, 'schema-diff')
      await diff
        .getByRole('button', { name: /alike$/ })
        .first()
        .click()

      await page.getByRole('button', { name: 'Merge into main' }).click()
      const merge = region('Merge into main')
      await merge.getByText('What has become of column users.name?').waitFor(patiently)
      const about = (column: string) =>
        merge.getByRole('radiogroup', { name: new RegExp(`column users.${column}`) })
      await about('name').scrollIntoViewIfNeeded()
      await about('name').getByLabel('It is called full_name now').check()
      // What has become of one is not what the other has become.
      expect(await about('email').getByLabel('It is called full_name now').isDisabled()).toBe(true)
      await inspect(page, 'schema-renames')
      await about('email').getByLabel('It was dropped').check()
      await merge.getByRole('button', { name: 'Go on' }).click()
      await merge.getByText(/statements?, \d of which drops? something/).waitFor(patiently)
      await merge.getByRole('button', { name: 'Copy the SQL' }).click()
      expect(await copied(page)).toContain('rename column "name" to "full_name"')

      const apply = page.getByRole('button', { name: 'Apply to main' })
      expect(await apply.isDisabled()).toBe(true)
      await page.getByRole('button', { name: 'Rehearse', exact: true }).click()
      await page.getByText('Rehearsed. Nothing is changed yet.').waitFor(patiently)
      await page
        .getByText(/AccessExclusiveLock on users/)
        .first()
        .waitFor()
      await inspect(page, 'schema-rehearsed')
      expect(await onMain('select name from users where id = 7')).toBe('u7')
      await apply.click()
      await page.getByRole('dialog').getByText('What can be brought back').waitFor()
      await inspect(page, 'schema-apply')
      await confirmByName(page, 'Apply', 'main')
      await page.getByText('Applied to main').waitFor(patiently)
      expect(
        await onMain(
          'select full_name, active, note from users join orders using (id) where id = 7',
        ),
      ).toBe('u7|t|')
      await page.getByText('It can be undone until').scrollIntoViewIfNeeded()
      await inspect(page, 'schema-applied')
      expect(await branchNames()).toEqual(['feature/names', 'main'])
      await page.getByRole('link', { name: 'migrations', exact: true }).click()
      await page.getByRole('heading', { name: 'Migrations', level: 1 }).waitFor()
    })

    test('schema: any two branches are for a look, with the SQL between them', async () => {
      const { branch } = await platform.client.getProjectBranch({
        path: { project_id: platform.projectId, branch_id: 'main' },
      })
      await page.goto(`${base}/schema?branch=${branch.id}`)
      await page.getByText('so this is for a look').waitFor()
      await page.getByRole('button', { name: 'Show the SQL' }).click()
      await region('SQL from feature/names to main')
        .getByText(/add column "note" text/)
        .waitFor(patiently)
      expect(await page.getByRole('button', { name: 'Rehearse', exact: true }).count()).toBe(0)
    })

    test('migrations: SQL is rehearsed, called off, applied; what the command line rehearses is listed', async () => {
      await page.goto(`${base}/migrations`)
      await region('Applied')
        .getByText(/^merge-of-feature/)
        .waitFor()
      await page.getByRole('link', { name: 'Rehearse SQL' }).click()
      await page.getByRole('button', { name: 'Write or paste SQL' }).click()
      await page.getByLabel('Name of file 1').fill('0001_slow.sql')
      await page.getByLabel('SQL of 0001_slow.sql').fill('select pg_sleep(600)')
      await page.getByRole('button', { name: 'Rehearse', exact: true }).click()
      await page.getByText('0001_slow.sql:1').waitFor(patiently)
      await inspect(page, 'migrations-progress')
      await page.getByRole('button', { name: 'Cancel' }).click()
      await until(async () => (await branchNames()).length === 2)

      await page.getByLabel('SQL of 0001_slow.sql').fill(
        `alter table users add column born date;
         alter table users alter id type bigint;
         create index users_born on users (born);
         update users set born = '2000-01-01'`,
      )
      await page.getByRole('button', { name: 'Rehearse', exact: true }).click()
      await page.getByText('Rehearsed. Nothing is changed yet.').waitFor(patiently)
      await inspect(page, 'migrations-rehearsed')
      await page.getByRole('button', { name: 'Apply to main' }).click()
      await confirmByName(page, 'Apply', 'main')
      await page.getByText('Applied to main').waitFor(patiently)
      expect(await onMain(`select count(*) from users where born is not null`)).toBe('2000')

      const file = join(platform.home, '0002_audit.sql')
      await writeFile(file, 'create table audit (id bigint primary key)')
      await platform.neon('migrate', 'rehearse', file)
      await page.goto(`${base}/migrations`)
      await region('Rehearsals').getByText('0002_audit.sql').waitFor()
      await region('Applied').getByText('0001_slow.sql').waitFor()
      await inspect(page, 'migrations')
      await page.getByRole('link', { name: '0001_slow.sql' }).first().click()
      await page.getByText('Writes users').waitFor()
      await inspect(page, 'rehearsal')
    })

    test('migrations: undo says what is lost, and brings the branch back', async () => {
      await onMain(`insert into users (id, full_name) values (9001, 'late'), (9002, 'later')`)
      await page.goto(`${base}/migrations`)
      await page.getByRole('button', { name: 'Undo the last apply' }).click()
      const dialog = page.getByRole('dialog')
      await dialog.getByText('public.users: 2 rows inserted').waitFor(patiently)
      await inspect(page, 'migrations-undo')
      await confirmByName(page, 'Undo', 'main')
      await region('Applied')
        .getByText('0001_slow.sql')
        .waitFor({ state: 'hidden', ...patiently })
      await expect(onMain('select born from users')).rejects.toThrow('does not exist')
      expect(await branchNames()).toContainEqual(expect.stringMatching(/^main-undone-/))
    })

    test('both are for the dark and for the phone too, and what sleeps is asked for', async () => {
      const path = { project_id: platform.projectId }
      const { endpoints } = await platform.client.listProjectEndpoints({ path })
      for (const { id } of endpoints) {
        await platform.client.suspendProjectEndpoint({ path: { ...path, endpoint_id: id } })
      }
      await until(async () => {
        const { endpoints: found } = await platform.client.listProjectEndpoints({ path })
        return found.every(({ current_state }) => current_state === 'idle')
      })
      const dark = await openConsole(browser, platform, { scheme: 'dark' })
      await dark.goto(`${base}/schema?branch=feature/names&base=main`)
      await dark.getByRole('button', { name: 'Wake and compare' }).click()
      const diff = { name: 'The schemas beside each other' }
      await dark.getByRole('group', diff).waitFor(patiently)
      await inspect(dark, 'dark-schema')
      await dark.goto(`${base}/migrations`)
      await dark.getByRole('table', { name: 'Applied migrations' }).waitFor(patiently)
      await inspect(dark, 'dark-migrations')
      await dark.getByRole('table', { name: 'Rehearsals' }).getByText('0001_slow.sql').click()
      await dark.getByText('Writes users').waitFor()
      await inspect(dark, 'dark-rehearsal')
      expect(dark.complaints).toEqual([])
      await dark.context().close()

      const small = await openConsole(browser, platform, { viewport: phone })
      const inspectSmall = async (name: string) => {
        await inspect(small, `phone-${name}`)
        // Nothing sticks out at the side.
        const width = Number(await small.evaluate('document.documentElement.scrollWidth'))
        expect(width).toBeLessThanOrEqual(phone.width)
      }
      await small.goto(`${base}/schema?branch=feature/names&base=main`)
      await small.getByRole('group', diff).waitFor(patiently)
      await inspectSmall('schema')
      await small.goto(`${base}/migrations`)
      await small.getByRole('table', { name: 'Applied migrations' }).waitFor(patiently)
      await inspectSmall('migrations')
      await small.getByRole('table', { name: 'Rehearsals' }).getByText('0001_slow.sql').click()
      await small.getByText('Writes users').waitFor()
      await inspectSmall('rehearsal')
      await small.context().close()
      expect(page.complaints).toEqual([])
    })
  },
)
