import { PassThrough } from 'node:stream'

import { eventsUrl } from '@coppice/api'
import type { FastifyInstance, FastifyRequest } from 'fastify'

import { Shares } from '../../lib/shares.ts'
import type { KeyScope } from '../console/access.ts'
import type { ChangeEvent, ChangeFeed } from '../console/changes.ts'

/** Proxies close what is silent for a minute; this is also how soon a revoked key stops hearing. */
const heartbeatMs = 15_000
const shares = () =>
  new Shares({
    max: 200,
    what: 'listeners that may be connected at once',
    advice: 'close one, or try again later',
  })
/** A reader that is this far behind is cut off; it comes back and is told that it has missed some. */
const maxWaitingBytes = 256 * 1024

/**
 * `GET /events`: what has changed, as server-sent events. A key for one project hears of that alone.
 * `authenticate` is asked again at every heartbeat.
 */
export function mountEvents(
  app: FastifyInstance,
  changes: ChangeFeed,
  authenticate: (request: FastifyRequest) => Promise<KeyScope>,
): void {
  const streams = new Set<PassThrough>()
  const places = shares()
  // Before the server waits for its requests to end.
  app.addHook('preClose', async () => {
    for (const stream of streams) stream.end()
  })
  app.get(eventsUrl, { schema: { hide: true } }, async (request, reply) => {
    const { project_id: only } = await authenticate(request)
    const giveBack = places.take(only)
    const stream = new PassThrough()
    streams.add(stream)
    const send = (event: ChangeEvent): void => {
      if (stream.writableLength > maxWaitingBytes) stream.end()
      else if (event.type === 'missed') stream.write('event: ready\ndata: {}\n\n')
      else if (only === null || event.change.project_id === only) {
        stream.write(`event: change\ndata: ${JSON.stringify(event.change)}\n\n`)
      }
    }
    const unsubscribe = changes.subscribe(send)
    const heartbeat = setInterval(() => {
      authenticate(request).then(
        () => void stream.write(': still here\n\n'),
        () => void stream.end(),
      )
    }, heartbeatMs)
    stream.once('close', () => {
      clearInterval(heartbeat)
      unsubscribe()
      streams.delete(stream)
      giveBack()
    })
    stream.write('retry: 2000\n\n')
    send({ type: 'missed' })
    return reply
      .headers({ 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' })
      .send(stream)
  })
}
