import { join } from 'node:path'

import axe from 'axe-core'
import type { Page } from 'playwright-core'
import { expect } from 'vitest'

import { screenshots } from './browser.ts'
import { run } from './platform.ts'

/** Takes a picture, and expects that axe finds nothing serious on what is shown. */
export async function inspect(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: join(screenshots, `${name}.png`) })
  // Evaluated by the debugger, which the page's content security policy does not bind.
  await page.evaluate(axe.source)
  const { violations } = (await page.evaluate('axe.run()')) as axe.AxeResults
  const serious = violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 200)).join(' | ')}`)
  expect(serious).toEqual([])
}

/** Types what a destructive dialog asks for. */
export async function confirmByName(page: Page, verb: string, name: string): Promise<void> {
  const dialog = page.getByRole('dialog')
  const button = dialog.getByRole('button', { name: verb, exact: true })
  expect(await button.isDisabled()).toBe(true)
  await dialog.getByLabel(`Type ${name} to confirm`).fill(name)
  await button.click()
  await dialog.waitFor({ state: 'hidden' })
}

/** `psql` with a statement, as a user would paste the string. */
export async function query(uri: string, statement: string): Promise<string> {
  return (await run('psql', [uri, '-XAtqc', statement])).trim()
}

/** What was last copied. */
export async function copied(page: Page): Promise<string> {
  return String(await page.evaluate('navigator.clipboard.readText()'))
}
