import { type Static, Type } from 'typebox'

import { Id, Timestamp } from './ids.ts'

/** Compute units from 0.25 upwards; 1 CU is one vCPU and 4 GB of memory. */
export const maxComputeUnits = 64
export const ComputeUnits = Type.Number({ minimum: 0.25, maximum: maxComputeUnits })

/** Of a compute that endpoints share, by name or id; null for one of the endpoint's own. */
export const ComputeChoice = Type.Union([Type.String({ minLength: 1, maxLength: 64 }), Type.Null()])

/** Coppice's own: processors and memory that endpoints of a project divide. */
export const SharedCompute = Type.Object({
  id: Id,
  project_id: Id,
  name: Type.String(),
  autoscaling_limit_min_cu: Type.Number(),
  autoscaling_limit_max_cu: Type.Number(),
  /** Whether the endpoints of new branches share it, unless they ask for something else. */
  for_new_branches: Type.Boolean(),
  /** The size in force; absent where none of its endpoints is awake. */
  compute_units: Type.Optional(Type.Number()),
  endpoint_ids: Type.Array(Id),
  created_at: Timestamp,
  updated_at: Timestamp,
})
export type SharedCompute = Static<typeof SharedCompute>

const options = {
  autoscaling_limit_min_cu: Type.Optional(ComputeUnits),
  autoscaling_limit_max_cu: Type.Optional(ComputeUnits),
  for_new_branches: Type.Optional(Type.Boolean()),
}

export const SharedComputeCreate = Type.Object({
  compute: Type.Object({ name: Type.String({ minLength: 1, maxLength: 64 }), ...options }),
})
export type SharedComputeCreate = Static<typeof SharedComputeCreate>

export const SharedComputeUpdate = Type.Object({
  compute: Type.Object({
    name: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
    ...options,
  }),
})
export type SharedComputeUpdate = Static<typeof SharedComputeUpdate>
