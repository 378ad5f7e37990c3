import { AppError } from '../lib/errors.ts'
import type { Home } from '../lib/home.ts'
import { createConsoleLink, setConsolePassword } from './ask-platform.ts'

/** More than the longest password. */
const inputMaxChars = 4096

/** `console link`: an address that signs in, once. `console password`: sets the one that stdin holds. */
export async function consoleCommand(
  home: Home,
  action: string | undefined,
): Promise<Record<string, unknown>> {
  switch (action) {
    case 'link':
      return createConsoleLink(home)
    case 'password':
      return setConsolePassword(home, await readInput())
    case undefined:
    default:
      throw new AppError(
        'invalid_request',
        `unknown command console ${action ?? '(none)'}; there are console link and console password`,
      )
  }
}

async function readInput(): Promise<string> {
  let text = ''
  for await (const chunk of process.stdin.setEncoding('utf8')) {
    text += String(chunk)
    if (text.length > inputMaxChars) throw new AppError('invalid_request', 'the input is too long')
  }
  return text.replace(/\r?\n$/, '')
}
