import { Type } from 'typebox'

import { SharedCompute, SharedComputeCreate, SharedComputeUpdate } from '../compute.ts'
import { ComputePath, ProjectPath } from '../paths.ts'
import { route } from '../route.ts'

const tag = 'Endpoint'
const Answer = Type.Object({ compute: SharedCompute })

/** Coppice's own: computes that several endpoints share. */
export const computeRoutes = {
  listProjectComputes: route('listProjectComputes', {
    summary: 'List the computes that endpoints of a project share',
    tag,
    path: ProjectPath,
    status: 200,
    response: Type.Object({ computes: Type.Array(SharedCompute) }),
  }),
  createProjectCompute: route('createProjectCompute', {
    summary: 'Make a compute for endpoints to share',
    tag,
    path: ProjectPath,
    body: SharedComputeCreate,
    status: 201,
    response: Answer,
  }),
  updateProjectCompute: route('updateProjectCompute', {
    summary: 'Change the size or the name of a compute that endpoints share',
    tag,
    path: ComputePath,
    body: SharedComputeUpdate,
    status: 200,
    response: Answer,
  }),
  deleteProjectCompute: route('deleteProjectCompute', {
    summary: 'Delete a compute; its endpoints have computes of their own again',
    tag,
    path: ComputePath,
    status: 200,
    response: Answer,
    absent: 'compute_not_found',
  }),
}
