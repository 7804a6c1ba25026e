/** EC2's answer to DescribeImages, with these `<item>`s in its list. */
export function imagesAnswer(items: string, more = ''): string {
  return `<?xml version="1.0" encoding="UTF-8"?>
<DescribeImagesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">
<requestId>00000000-0000-0000-0000-000000000000</requestId><imagesSet>${items}</imagesSet>${more}
</DescribeImagesResponse>`
}
