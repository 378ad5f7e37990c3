import { createServer, type IncomingMessage, type Server } from 'node:http'

export interface Comment {
  id: number
  body: string
  html_url: string
}

/** The part of GitHub's API that keeps the comments of a pull request. */
export interface FakeGitHub {
  url: string
  comments: Comment[]
  stop(): void
}

export async function startFakeGitHub(repositoryName: string, token: string): Promise<FakeGitHub> {
  const comments: Comment[] = []
  let lastId = 0
  const answer = (method: string, path: string, body: string): [status: number, value: unknown] => {
    const base = `/repos/${repositoryName}/issues`
    if (path === `${base}/7/comments`) {
      if (method === 'GET') return [200, comments]
      const id = ++lastId
      const comment = {
        id,
        body: readBody(body),
        html_url: `https://github.example/comments/${id}`,
      }
      comments.push(comment)
      return [201, comment]
    }
    const comment = comments.find(({ id }) => path === `${base}/comments/${id}`)
    if (comment === undefined) return [404, { message: 'Not Found' }]
    if (method === 'DELETE') {
      comments.splice(comments.indexOf(comment), 1)
      return [204, undefined]
    }
    comment.body = readBody(body)
    return [200, comment]
  }
  const server = createServer((request, response) => {
    void readText(request).then((text) => {
      const isAllowed = request.headers.authorization === `Bearer ${token}`
      const [path = ''] = (request.url ?? '').split('?')
      const [status, value] = isAllowed
        ? answer(request.method ?? '', path, text)
        : [401, { message: 'Bad credentials' }]
      response.writeHead(status, { 'content-type': 'application/json' })
      response.end(value === undefined ? '' : JSON.stringify(value))
    })
  })
  return { url: await listen(server), comments, stop: () => server.close() }
}

function readBody(text: string): string {
  return (JSON.parse(text) as { body: string }).body
}

async function readText(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request) text += String(chunk)
  return text
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const address = server.address()
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`
}
