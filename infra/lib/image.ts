/** The account that publishes Ubuntu's images. */
export const canonical = '099720109477'
/** Ubuntu 24.04 for amd64, on gp3; the end of the name is the day it was made. */
export const ubuntu = 'ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-amd64-server-*'
