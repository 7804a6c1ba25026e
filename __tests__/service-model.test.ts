import { describe, expect, test } from 'vitest'
import { canCheck, checkAnswer, checkRequest } from './support/service-model.ts'

describe.skipIf(!canCheck)("AWS's service model", () => {
  const check = (action: string, parameters: Record<string, string>) =>
    checkRequest('ec2', action, new URLSearchParams({ Action: action, Version: '2016-11-15', ...parameters }))

  test('takes a request with lists, structures, numbers and times', () => {
    const filters = { 'Filter.1.Name': 'state', 'Filter.1.Value.1': 'available', 'Filter.1.Value.2': 'pending' }
    expect(check('DescribeImages', { 'Owner.1': 'self', MaxResults: '1000', ...filters })).toEqual([])
    expect(check('EnableImageDeprecation', { ImageId: 'ami-1', DeprecateAt: '2026-01-31T00:00:00.000Z' })).toEqual([])
  })

  test.each([
    ['an unknown action', 'DescribeImage', {}, 'ec2 has no action DescribeImage.'],
    ['an unknown parameter', 'DescribeImages', { Owners: 'self' }, 'DescribeImages has no parameter Owners.'],
    [
      'an unknown parameter of a structure',
      'DescribeImages',
      { 'Filter.1.Names': 'a' },
      'DescribeImages.Filter.1 has no parameter Names.',
    ],
    ['a missing parameter', 'DeregisterImage', {}, 'DeregisterImage lacks the parameter ImageId.'],
    [
      'a text for a list',
      'DescribeImages',
      { Owner: 'self' },
      'DescribeImages.Owner is a list: write DescribeImages.Owner.1.',
    ],
    [
      'a text for a number',
      'DescribeImages',
      { MaxResults: 'all' },
      'DescribeImages.MaxResults is "all", which is no integer.',
    ],
    [
      'a number out of range',
      'DescribeVolumeStatus',
      { MaxResults: 'x' },
      'DescribeVolumeStatus.MaxResults is "x", which is no integer.',
    ],
    [
      'another word than those of an enumeration',
      'DescribeImageAttribute',
      { ImageId: 'ami-1', Attribute: 'colour' },
      'DescribeImageAttribute.Attribute is "colour", which is none of',
    ],
    [
      'too long a list',
      'DescribeImageReferences',
      Object.fromEntries(Array.from({ length: 11 }, (_, index) => [`ImageId.${index + 1}`, 'ami-1'])),
      'DescribeImageReferences.ImageId has 11 entries, not 1 to 10.',
    ],
  ] as const)('refuses %s', (_, action, parameters, problem) => {
    expect(check(action, parameters).join(' ')).toContain(problem)
  })

  test('takes an answer with all its parts, and every error document', () => {
    const image =
      '<item><imageId>ami-1</imageId><imageState>available</imageState><tagSet><item><key>a</key><value>b</value></item></tagSet></item>'
    expect(
      checkAnswer(
        'ec2',
        'DescribeImages',
        `<DescribeImagesResponse><requestId>1</requestId><imagesSet>${image}</imagesSet></DescribeImagesResponse>`,
      ),
    ).toEqual([])
    expect(
      checkAnswer('ec2', 'DescribeImages', '<Response><Errors><Error><Code>a</Code></Error></Errors></Response>'),
    ).toEqual([])
  })

  test.each([
    [
      'an unknown element',
      '<a><imagesSet><item><id>ami-1</id></item></imagesSet></a>',
      'DescribeImages.imagesSet.item has no element <id>.',
    ],
    [
      'an unknown state',
      '<a><imagesSet><item><imageState>gone</imageState></item></imagesSet></a>',
      'DescribeImages.imagesSet.item.imageState is "gone"',
    ],
    [
      'a list of something else',
      '<a><imagesSet><image/></imagesSet></a>',
      'DescribeImages.imagesSet is a list of <item>, not of <image>.',
    ],
    ['what is no XML', '<a><b></a>', 'The answer to DescribeImages is no XML.'],
  ])('refuses an answer with %s', (_, body, problem) => {
    expect(checkAnswer('ec2', 'DescribeImages', body).join(' ')).toContain(problem)
  })
})
