import { Type } from 'typebox'

import { idPattern } from './id-patterns.ts'

export const Id = Type.String({ pattern: idPattern })
export const Uuid = Type.String({ format: 'uuid' })

/** RFC 3339 in UTC. */
export const Timestamp = Type.String({ format: 'date-time' })
