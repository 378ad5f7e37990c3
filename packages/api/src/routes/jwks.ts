import { Type } from 'typebox'

import { Jwks, JwksCreate } from '../jwks.ts'
import { Operation } from '../operation.ts'
import { ProjectPath } from '../paths.ts'
import { route } from '../route.ts'

const tag = 'Project'

export const jwksRoutes = {
  getProjectJWKS: route('getProjectJWKS', {
    summary: 'List the JWKS URLs of a project',
    tag,
    path: ProjectPath,
    status: 200,
    response: Type.Object({ jwks: Type.Array(Jwks) }),
  }),
  addProjectJWKS: route('addProjectJWKS', {
    summary: 'Add a JWKS URL to a project',
    tag,
    path: ProjectPath,
    body: JwksCreate,
    status: 201,
    response: Type.Object({ jwks: Jwks, operations: Type.Array(Operation) }),
  }),
  deleteProjectJWKS: route('deleteProjectJWKS', {
    summary: 'Remove a JWKS URL from a project',
    tag,
    path: Type.Object({ ...ProjectPath.properties, jwks_id: Type.String({ minLength: 1 }) }),
    status: 200,
    response: Jwks,
  }),
}
