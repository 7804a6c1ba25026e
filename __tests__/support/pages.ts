/** moto answers most questions on one page, whatever MaxResults says; EC2 does not: this makes pages of the answers. */
import { mapItems } from './xml.ts'

interface Asked {
  readonly action: string
  readonly parameters: URLSearchParams
}

interface Answer {
  readonly status: number
  readonly body: string
}

export interface Pages {
  /** Answers have so few things on a page from now on, and none on the first page. */
  shorten(size: number): void
  answer<Request extends Asked>(request: Request, send: (request: Request) => Promise<Answer>): Promise<Answer>
}

/** Makes pages of whole answers, until they are to be shorter. Who does not send MaxResults gets all at once, as from EC2. */
export function createPages(): Pages {
  let size = Number.POSITIVE_INFINITY

  async function answer<Request extends Asked>(
    request: Request,
    send: (request: Request) => Promise<Answer>,
  ): Promise<Answer> {
    if (size === Number.POSITIVE_INFINITY || !request.parameters.has('MaxResults')) return await send(request)
    const page = Number(request.parameters.get('NextToken')?.replace('page-', '') ?? 0)
    const parameters = new URLSearchParams(request.parameters)
    parameters.delete('NextToken')
    parameters.delete('MaxResults')
    const { status, body } = await send({ ...request, parameters })
    // A page may be empty and not the last one (EC2 API reference, "Pagination").
    const [start, end] = [(page - 1) * size, page * size]
    let count = 0
    const items = mapItems(body, item => {
      const place = count++
      return place >= start && place < end ? item : ''
    })
    const token = count > end ? `<nextToken>page-${page + 1}</nextToken>` : ''
    return { status, body: items.replace(/<\/\w+>\s*$/, root => `${token}${root}`) }
  }

  function shorten(wanted: number): void {
    size = wanted
  }

  return { shorten, answer }
}
