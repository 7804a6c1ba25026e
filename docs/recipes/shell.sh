#!/bin/sh
# Bakes outside GitHub, with environment variables. AMI_BAKERY_COMMIT is the full SHA of a release's commit.
set -eu

git init --quiet ami-bakery
git -C ami-bakery fetch --quiet --depth 1 https://github.com/ami-bakery/ami-bakery "$AMI_BAKERY_COMMIT"
git -C ami-bakery checkout --quiet FETCH_HEAD

export PACKER_JSON_PATH=ami/app.pkr.hcl
export AMI_DEFINITION_DIRS=ami
export AWS_DEFAULT_REGION=us-east-1
# Other inputs are INPUT_ and their names in capitals; a shell can set a name with a hyphen only by env.
env INPUT_STRICT=true INPUT_MAX-AGE-DAYS=30 node ami-bakery/dist/index.js

cat ami/.ami_id.json
