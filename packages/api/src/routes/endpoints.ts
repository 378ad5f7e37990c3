import { Type } from 'typebox'

import { Endpoint, EndpointCreate, EndpointUpdate } from '../endpoint.ts'
import { Operation } from '../operation.ts'
import { EndpointPath, ProjectPath } from '../paths.ts'
import { route } from '../route.ts'

const tag = 'Endpoint'
const EndpointAnswer = Type.Object({ endpoint: Endpoint, operations: Type.Array(Operation) })

export const endpointRoutes = {
  listProjectEndpoints: route('listProjectEndpoints', {
    summary: 'List the endpoints of a project',
    tag,
    path: ProjectPath,
    status: 200,
    response: Type.Object({ endpoints: Type.Array(Endpoint) }),
  }),
  createProjectEndpoint: route('createProjectEndpoint', {
    summary: 'Give a branch a compute',
    tag,
    path: ProjectPath,
    body: EndpointCreate,
    status: 201,
    response: EndpointAnswer,
  }),
  getProjectEndpoint: route('getProjectEndpoint', {
    summary: 'Get an endpoint',
    tag,
    path: EndpointPath,
    status: 200,
    response: Type.Object({ endpoint: Endpoint }),
  }),
  updateProjectEndpoint: route('updateProjectEndpoint', {
    summary: 'Change size, suspend timeout or settings of an endpoint',
    tag,
    path: EndpointPath,
    body: EndpointUpdate,
    status: 200,
    response: EndpointAnswer,
  }),
  deleteProjectEndpoint: route('deleteProjectEndpoint', {
    summary: 'Take the compute of a branch away; its data stays',
    tag,
    path: EndpointPath,
    status: 200,
    response: EndpointAnswer,
    absent: 'endpoint_not_found',
  }),
  startProjectEndpoint: route('startProjectEndpoint', {
    summary: 'Start a compute',
    tag,
    path: EndpointPath,
    status: 200,
    response: EndpointAnswer,
  }),
  suspendProjectEndpoint: route('suspendProjectEndpoint', {
    summary: 'Suspend a compute',
    tag,
    path: EndpointPath,
    status: 200,
    response: EndpointAnswer,
  }),
  restartProjectEndpoint: route('restartProjectEndpoint', {
    summary: 'Restart a compute that is active',
    tag,
    path: EndpointPath,
    status: 200,
    response: EndpointAnswer,
  }),
}
