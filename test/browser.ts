import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'

import { type Browser, chromium, type Page } from 'playwright-core'

import { repository, type TestPlatform } from './platform.ts'

/** A real browser for the console: the system's Chromium, which no package brings along. */
const candidates = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/** Undefined where there is none; then the console's tests are skipped. */
export const chromiumPath = candidates.find((path) => existsSync(path))

/** Looked at by people; not kept. */
export const screenshots = join(repository, 'test', 'screenshots')

export const desktop = { width: 1280, height: 860 }
export const phone = { width: 390, height: 844 }

export async function launchBrowser(): Promise<Browser> {
  await mkdir(screenshots, { recursive: true })
  return chromium.launch({
    executablePath: chromiumPath ?? '',
    // Chromium's sandbox needs a user who is not root.
    args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
  })
}

/** An address of the console that signs in, once. */
export async function signInLink(platform: TestPlatform): Promise<string> {
  return (await platform.shell('coppice console')).trim()
}

export interface ConsolePage extends Page {
  /** What the browser has complained about: errors, and what the content security policy refused. */
  complaints: string[]
}

/** A browser's tab of its own, signed in as the owner unless told otherwise. */
export async function openConsole(
  browser: Browser,
  platform: TestPlatform,
  { signIn = true, viewport = desktop, scheme = 'light' as 'light' | 'dark' } = {},
): Promise<ConsolePage> {
  const context = await browser.newContext({
    viewport,
    colorScheme: scheme,
    reducedMotion: 'reduce',
    baseURL: new URL(platform.apiUrl).origin,
    permissions: ['clipboard-read', 'clipboard-write'],
  })
  context.setDefaultTimeout(15_000)
  const page = Object.assign(await context.newPage(), { complaints: [] as string[] })
  page.on('pageerror', (error) => page.complaints.push(error.message))
  page.on('console', (message) => {
    if (message.type() === 'error') page.complaints.push(message.text())
  })
  if (signIn) {
    await page.goto(await signInLink(platform))
    await page.getByRole('heading', { name: 'Projects', level: 1 }).waitFor()
  }
  return page
}
