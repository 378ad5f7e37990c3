/**
 * The console's built files. Its page is the answer to every address that a browser navigates to and
 * that nothing else answers, so that addresses within it can be kept; everything else keeps the API's 404.
 *
 * The content security policy allows no inline script at all. Mantine writes style elements, so each
 * answer of the page has a nonce for them, in the header and in a meta element that the console reads.
 */
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { apiBasePath } from '@coppice/api'
import fastifyStatic from '@fastify/static'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

import { errorCode } from '../../lib/errors.ts'

const noncePlaceholder = '__CSP_NONCE__'
const yearMs = 365 * 86_400_000

const policy = (nonce: string): string =>
  [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ')

const securityHeaders = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
}

/** Answers the page of the console; undefined where the console has not been built. */
export type ConsolePage = (reply: FastifyReply) => FastifyReply

/** Mounts the files of the console, where it has been built, and answers how to send its page. */
export async function mountConsoleFiles(
  app: FastifyInstance,
  directory = consoleDirectory(),
): Promise<ConsolePage | undefined> {
  const template = await readFile(join(directory, 'index.html'), 'utf8').catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  })
  if (template === undefined) {
    app.log.warn({ directory }, 'the console is not built: `npm run build` builds it')
    return undefined
  }
  const page: ConsolePage = (reply) => {
    const nonce = randomBytes(16).toString('base64')
    return reply
      .code(200)
      .headers({
        ...securityHeaders,
        'content-type': 'text/html; charset=utf-8',
        'content-security-policy': policy(nonce),
      })
      .send(template.replaceAll(noncePlaceholder, nonce))
  }
  await app.register(fastifyStatic, {
    root: join(directory, 'assets'),
    prefix: '/assets/',
    // Their names hold a hash of what is in them.
    immutable: true,
    maxAge: yearMs,
    preCompressed: true,
    setHeaders: (reply) => void reply.headers(securityHeaders),
  })
  app.get('/', { schema: { hide: true } }, async (_request, reply) => page(reply))
  return page
}

/** Whether a browser navigates: then the console's router says what is there. */
export function isNavigation(request: FastifyRequest): boolean {
  const { method, url, headers } = request
  const isOurs = [apiBasePath, '/assets', '/console/'].some((prefix) => url.startsWith(prefix))
  return method === 'GET' && !isOurs && (headers.accept ?? '').includes('text/html')
}

/** Of the built console, beside this package. */
function consoleDirectory(): string {
  return fileURLToPath(new URL('dist/web', import.meta.resolve('@coppice/console/package.json')))
}
