import { expect, test } from 'vitest'

import { Listening } from './listening.ts'

/** `> text` is what the client says, `long` a long one; a tag, `error` and `ready` what it is answered. */
function follow(...steps: string[]): boolean {
  let isListening = false
  const listening = new Listening({
    touch: () => undefined,
    setListening: (now) => (isListening = now),
    setBackend: () => undefined,
    end: () => undefined,
  })
  for (const step of steps) {
    if (step.startsWith('> ')) listening.noteText(step.slice(2))
    else if (step === 'long') listening.noteText(undefined)
    else if (step === 'error') listening.noteError()
    else if (step === 'ready') listening.noteCommitted()
    else {
      const body = Buffer.from(`${step}\0`)
      if (listening.wantsTag(body.length)) listening.noteTag(body)
    }
  }
  return isListening
}

test.each([
  [['> listen a']],
  [['> do $$begin execute format($f$listen %I$f$, $x$a$x$); end$$', 'DO', 'ready']],
  [['long', 'LISTEN', 'ready']],
  [['> listen a', 'LISTEN', 'ready', '> unlisten b', 'UNLISTEN', 'ready']],
  [['> listen a', 'LISTEN', 'ready', '> unlisten *; unlisten b', 'UNLISTEN', 'UNLISTEN', 'ready']],
  [['> listen a', 'LISTEN', 'ready', '> unlisten *', 'UNLISTEN', 'error', 'ready']],
  [['> listen a', 'LISTEN', 'ready', '> begin', '> unlisten *', 'UNLISTEN', 'ROLLBACK', 'ready']],
  [['> listen a', 'LISTEN', 'ready', '> unlisten *', '> listen b', 'UNLISTEN', 'ready', 'LISTEN']],
  [['> listen a', 'LISTEN', '> unlisten *', '> do $$begin listen b; end$$', 'UNLISTEN', 'ready']],
  [['> listen a', 'LISTEN', '> unlisten *', 'long', 'UNLISTEN', 'ready']],
  [['> listen a', 'LISTEN', 'ready', '> unlisten *', 'UNLISTEN']],
])('listens after %j', (steps) => {
  expect(follow(...steps)).toBe(true)
})

test.each([
  [['> select listening', 'SELECT 1', 'ready']],
  [['> unlisten *', 'UNLISTEN', 'ready']],
  [['COMMIT', 'ready']],
  [['> listen a', 'LISTEN', 'ready', '> UNLISTEN *', 'UNLISTEN', 'ready']],
  [['> listen a', 'LISTEN', 'ready', '> DISCARD  ALL', 'DISCARD ALL', 'ready']],
  [['> listen a', 'LISTEN', '> begin', '> unlisten *', 'UNLISTEN', '> commit', 'COMMIT', 'ready']],
  [['> listen a', 'LISTEN', '> close all; unlisten *; reset all', 'UNLISTEN', 'RESET', 'ready']],
])('does not listen after %j', (steps) => {
  expect(follow(...steps)).toBe(false)
})
