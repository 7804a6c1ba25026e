#!/bin/sh
# Runs on the temporary instance, after Packer has put the directory hello into /tmp.
set -eu

sudo install -D -m 644 /tmp/hello/index.html /srv/hello/index.html
sudo install -m 644 /tmp/hello/hello.service /etc/systemd/system/hello.service
sudo systemctl enable hello.service
rm -r /tmp/hello
