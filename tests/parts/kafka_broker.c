/* kafka-broker TOPIC... - a Kafka cluster for tests: librdkafka's mock of one, which speaks the
 * protocol over loopback, in a process of its own.
 *
 * Three brokers on ports of the system's choice; each topic has one partition and keeps some 5 MB.
 * The first line it writes is `brokers=HOST:PORT,...`. SIGUSR1 takes all brokers away, SIGUSR2 brings
 * them back, SIGTERM ends it. */
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

enum { BROKERS = 3, TEXT_SIZE = 512 };

static void set_down(rd_kafka_mock_cluster_t *cluster, bool down)
{
    for (int32_t id = 1; id <= BROKERS; id++)
        (void) (down ? rd_kafka_mock_broker_set_down(cluster, id)
                     : rd_kafka_mock_broker_set_up(cluster, id));
    printf("brokers are %s\n", down ? "down" : "up");
    (void) fflush(stdout);
}

static void serve(rd_kafka_mock_cluster_t *cluster, const sigset_t *waited)
{
    int got = 0;
    printf("brokers=%s\n", rd_kafka_mock_cluster_bootstraps(cluster));
    (void) fflush(stdout);
    while (sigwait(waited, &got) == 0 && got != SIGTERM)
        set_down(cluster, got == SIGUSR1);
}

int main(int argc, char **argv)
{
    char text[TEXT_SIZE];
    sigset_t waited;
    (void) sigemptyset(&waited);
    (void) sigaddset(&waited, SIGTERM);
    (void) sigaddset(&waited, SIGUSR1);
    (void) sigaddset(&waited, SIGUSR2);
    (void) pthread_sigmask(SIG_BLOCK, &waited, NULL);

    rd_kafka_t *handle = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), text, sizeof text);
    rd_kafka_mock_cluster_t *cluster =
        handle != NULL ? rd_kafka_mock_cluster_new(handle, BROKERS) : NULL;
    if (cluster == NULL) {
        fprintf(stderr, "kafka-broker: cannot start: %s\n", text);
        return EXIT_FAILURE;
    }
    for (int i = 1; i < argc; i++)
        (void) rd_kafka_mock_topic_create(cluster, argv[i], 1, BROKERS);
    serve(cluster, &waited);
    rd_kafka_mock_cluster_destroy(cluster);
    rd_kafka_destroy(handle);
    return EXIT_SUCCESS;
}
