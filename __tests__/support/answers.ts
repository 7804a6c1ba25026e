/** EC2's answer to DescribeImages, with these `<item>`s in its list. */
export function imagesAnswer(items: string, more = ''): string {
  return `<?xml version="1.0" encoding="UTF-8"?>
<DescribeImagesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">
<requestId>00000000-0000-0000-0000-000000000000</requestId><imagesSet>${items}</imagesSet>${more}
</DescribeImagesResponse>`
}

/** EC2's answer to GetConsoleOutput, for an instance that has printed this. */
export function consoleAnswer(output: string | Buffer): string {
  const encoded = Buffer.from(output).toString('base64')
  return `<?xml version="1.0" encoding="UTF-8"?>
<GetConsoleOutputResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">
<requestId>00000000-0000-0000-0000-000000000000</requestId><instanceId>i-1234567890abcdef0</instanceId>
<timestamp>2026-01-01T00:00:00.000Z</timestamp>${encoded && `<output>${encoded}</output>`}
</GetConsoleOutputResponse>`
}
