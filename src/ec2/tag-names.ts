/** Holds an image's state and the checksum of its definition, see `state.ts`: only the bare checksum makes an image a hit. */
export const CHECKSUM_TAG = 'ami_config_checksum'
/** Holds the name of the template that an image was baked from. */
export const TEMPLATE_TAG = 'ami_bakery_template'
/** Holds an image's name in the images file. */
export const IMAGE_NAME_TAG = 'ami_bakery_image_name'
/** Holds the GitHub repository that an image was baked from. */
export const REPOSITORY_TAG = 'ami_bakery_repository'
/** Holds the commit whose workflow baked an image. */
export const COMMIT_TAG = 'ami_bakery_commit'
/** Holds the web address of the workflow run that baked an image. */
export const RUN_TAG = 'ami_bakery_run'
/** Holds the time when an image was baked, in ISO 8601. */
export const BAKED_AT_TAG = 'ami_bakery_baked_at'
/** Holds a digest for each kind of ingredient of the checksum. */
export const INGREDIENTS_TAG = 'ami_bakery_ingredients'
/** Holds the id of the base image that was specified by `base-ami`. */
export const BASE_TAG = 'ami_bakery_base'
/** Holds the id of the parent's image, in the region of the look-up. */
export const PARENT_TAG = 'ami_bakery_parent'
/** Marks a copy in another region: holds the id of the source image. */
export const IMAGE_TAG = 'ami_bakery_image'
/** Holds the run that published an image. */
export const PUBLISHED_TAG = 'ami_bakery_published'
/** Holds the reason why an image is revoked. With an empty value the image is not revoked. */
export const REVOKED_TAG = 'ami_bakery_revoked'
/** Holds the run that revoked an image. */
export const REVOKED_BY_TAG = 'ami_bakery_revoked_by'
/** Holds the deprecation time that an image had before it was revoked, in ISO 8601. */
export const DEPRECATION_BEFORE_TAG = 'ami_bakery_deprecation_before'
/** Holds the time when an image is due for deletion, in ISO 8601. With an empty value it is not due. */
export const PRUNE_TAG = 'ami_bakery_prune'
