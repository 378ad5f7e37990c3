import { Readable } from 'node:stream'

import { type FailureLine, linesType } from '@coppice/api'
import type { FastifyReply, FastifyRequest } from 'fastify'

import { toAppError } from './app-error.ts'

/**
 * Answers with lines as they come, each a JSON document, no faster than the client reads. Where they come
 * to grief the status has long been sent: the last line says so.
 */
export async function sendLines(
  request: FastifyRequest,
  reply: FastifyReply,
  lines: AsyncIterable<unknown>,
): Promise<FastifyReply> {
  return reply
    .headers({ 'content-type': linesType, 'x-accel-buffering': 'no' })
    .send(Readable.from(renderLines(request, reply, lines)))
}

async function* renderLines(
  request: FastifyRequest,
  { raw }: FastifyReply,
  lines: AsyncIterable<unknown>,
): AsyncGenerator<string> {
  try {
    for await (const line of lines) yield `${JSON.stringify(line)}\n`
  } catch (error) {
    // Nobody is there to be told.
    if (raw.destroyed) return
    const { code, message } = toAppError(error, request)
    const failure: FailureLine = { type: 'failure', request_id: request.id, code, message }
    yield `${JSON.stringify(failure)}\n`
  }
}
